// Questions, answered from what was said, with citations that play.

import { HoverCard } from "@kobalte/core/hover-card";
import { A, useNavigate, useParams } from "@solidjs/router";
import { createEffect, createSignal, For, on, onCleanup, onMount, Show, type JSX } from "solid-js";
import { createStore, produce } from "solid-js/store";
import { AnswerKind, toSeconds, type Citation, type Conversation, type VidmeshError } from "@vidmesh/client";

import { ago, clock } from "../format";
import { asProblem, mesh } from "../mesh";
import { Icon } from "../parts/icon";
import { shortcut } from "../parts/keys";
import { Prose } from "../parts/prose-view";
import { Empty, Problem, Waiting } from "../parts/states";
import { toast } from "../parts/toast";

interface Exchange {
  question: string;
  text: string;
  citations: Citation[];
  kind: AnswerKind;
  notice: string;
  writing: boolean;
  stopped: boolean;
  problem: VidmeshError | undefined;
}

const asked = (question: string): Exchange => ({
  question,
  text: "",
  citations: [],
  kind: AnswerKind.UNSPECIFIED,
  notice: "",
  writing: true,
  stopped: false,
  problem: undefined,
});

export function Ask(): JSX.Element {
  const params = useParams<{ conversation?: string }>();
  const navigate = useNavigate();
  const [exchanges, setExchanges] = createStore<Exchange[]>([]);
  const [conversations, setConversations] = createSignal<Conversation[]>([]);
  const [current, setCurrent] = createSignal("");
  const [text, setText] = createSignal("");
  const [busy, setBusy] = createSignal(false);
  const [loading, setLoading] = createSignal(false);
  const [problem, setProblem] = createSignal<VidmeshError>();
  let stop = new AbortController();
  let box!: HTMLTextAreaElement;
  let end!: HTMLDivElement;
  onCleanup(() => stop.abort());

  const readConversations = async () => {
    try {
      const { conversations } = await mesh.query.listConversations({ pageSize: 50 });
      setConversations(conversations);
    } catch (thrown) {
      setProblem(asProblem(thrown));
    }
  };
  const open = async (id: string) => {
    setProblem(undefined);
    setLoading(true);
    try {
      const { exchanges: all } = await mesh.query.getConversation({ conversationId: id });
      setExchanges(
        all.map(({ question, answer }) => ({
          ...asked(question),
          text: answer?.text ?? "",
          citations: answer?.citations ?? [],
          kind: answer?.kind ?? AnswerKind.UNSPECIFIED,
          notice: answer?.notice ?? "",
          writing: false,
        })),
      );
    } catch (thrown) {
      setProblem(asProblem(thrown));
    }
    setLoading(false);
  };
  createEffect(
    on(
      () => params.conversation ?? "",
      (id) => {
        if (id === current()) return;
        stop.abort();
        setCurrent(id);
        setExchanges([]);
        if (id !== "") void open(id);
      },
    ),
  );
  onMount(() => {
    void readConversations();
    box.focus();
    shortcut(["/"], () => box.focus());
  });

  const ask = async () => {
    const question = text().trim();
    if (question === "" || busy()) return;
    setText("");
    setBusy(true);
    stop = new AbortController();
    const place = exchanges.length;
    setExchanges(place, asked(question));
    const change = (edit: (one: Exchange) => void) => setExchanges(place, produce(edit));
    queueMicrotask(() => end.scrollIntoView({ block: "end" }));
    try {
      const { signal } = stop;
      for await (const message of mesh.ask(question, { conversationId: current(), signal })) {
        if (message.case === "retrieved") {
          setCurrent(message.value.conversationId);
        } else if (message.case === "delta") {
          change((one) => (one.text += message.value));
        } else {
          const { text, citations, kind, notice } = message.value;
          change((one) => Object.assign(one, { text, citations, kind, notice }));
        }
      }
      if (params.conversation !== current()) navigate(`/ask/${current()}`, { replace: true });
      void readConversations();
    } catch (thrown) {
      const error = asProblem(thrown);
      if (error.aborted) change((one) => (one.stopped = true));
      else change((one) => (one.problem = error));
    }
    change((one) => (one.writing = false));
    setBusy(false);
  };

  const remove = async (one: Conversation) => {
    try {
      await mesh.query.deleteConversation({ conversationId: one.id });
      toast("The conversation is deleted.");
      if (one.id === current()) navigate("/ask");
      await readConversations();
    } catch (thrown) {
      toast(asProblem(thrown).message);
    }
  };

  return (
    <div class="page ask">
      <aside class="ask-list" aria-label="Conversations">
        <A class="button" href="/ask" end onClick={() => box.focus()}>
          <Icon name="add" /> New question
        </A>
        <ul>
          <For each={conversations()}>
            {(one) => (
              <li>
                <A href={`/ask/${one.id}`} class="ask-item" activeClass="current">
                  <span class="ellipsis" dir="auto">
                    {one.title}
                  </span>
                  <span class="faint small">
                    {one.updatedAt ? ago(new Date(Number(one.updatedAt.seconds) * 1000)) : ""}
                  </span>
                </A>
                <button
                  class="icon-button small"
                  aria-label={`Delete “${one.title}”`}
                  onClick={() => void remove(one)}
                >
                  <Icon name="trash" />
                </button>
              </li>
            )}
          </For>
        </ul>
      </aside>
      <div class="ask-main">
        <h1 classList={{ hidden: exchanges.length > 0 }}>Ask</h1>
        <Show when={problem()}>{(error) => <Problem error={error()} again={() => location.reload()} />}</Show>
        <Show when={loading()}>
          <Waiting lines={6} label="Loading the conversation" />
        </Show>
        <Show when={exchanges.length === 0 && !loading() && !problem()}>
          <Empty icon="ask" title="Ask what was said">
            Answers come from your videos alone. Each claim has a number; a click plays the moment that it
            rests on.
          </Empty>
        </Show>
        <div class="exchanges" aria-live="polite" aria-busy={busy()}>
          <For each={exchanges}>{(one) => <ExchangeView exchange={one} />}</For>
        </div>
        <div ref={end} />
        <form
          class="composer"
          onSubmit={(event) => {
            event.preventDefault();
            void ask();
          }}
        >
          <label class="hidden" for="question">
            Your question
          </label>
          <textarea
            id="question"
            ref={box}
            rows="2"
            maxlength="2000"
            placeholder="Ask about your videos"
            value={text()}
            onInput={(event) => setText(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && !event.shiftKey) {
                event.preventDefault();
                void ask();
              }
            }}
          />
          <Show
            when={busy()}
            fallback={
              <button class="button primary" disabled={text().trim() === ""}>
                Ask
              </button>
            }
          >
            <button type="button" class="button" onClick={() => stop.abort()}>
              <Icon name="stop" /> Stop
            </button>
          </Show>
        </form>
      </div>
    </div>
  );
}

function ExchangeView(props: { exchange: Exchange }): JSX.Element {
  const citation = (number: number) => {
    const found = () => props.exchange.citations.find((one) => one.number === number);
    return (
      <Show when={found()} fallback={<sup>{number}</sup>}>
        {(one) => <CitationMark citation={one()} />}
      </Show>
    );
  };
  return (
    <article class="exchange">
      <h2 class="question" dir="auto">
        {props.exchange.question}
      </h2>
      <Show when={props.exchange.kind === AnswerKind.NOT_FOUND}>
        <p class="badge warn">Not in your videos</p>
      </Show>
      <Show
        when={props.exchange.text}
        fallback={
          <Show when={props.exchange.writing}>
            <Waiting lines={3} label="Looking for the answer" />
          </Show>
        }
      >
        <Prose text={props.exchange.text} citation={citation} />
      </Show>
      <Show when={props.exchange.notice}>{(notice) => <p class="faint small">{notice()}</p>}</Show>
      <Show when={props.exchange.stopped}>
        <p class="faint small">Stopped.</p>
      </Show>
      <Show when={props.exchange.problem}>{(error) => <Problem error={error()} />}</Show>
      <Show when={props.exchange.citations.length > 0}>
        <ol class="sources">
          <For each={props.exchange.citations}>
            {(one) => (
              <li>
                <A class="source" href={playing(one)}>
                  <span class="source-number">{one.number}</span>
                  <span class="source-text">
                    <span class="source-quote" dir="auto">
                      {one.quote}
                    </span>
                    <span class="faint small">
                      <Icon name="play" /> {clock(toSeconds(one.moment))} ·{" "}
                      <span dir="auto">{one.videoTitle}</span>
                    </span>
                  </span>
                </A>
              </li>
            )}
          </For>
        </ol>
      </Show>
    </article>
  );
}

const playing = (one: Citation) => `/watch/${one.videoId}?t=${toSeconds(one.moment).toFixed(1)}&play=1`;

function CitationMark(props: { citation: Citation }): JSX.Element {
  return (
    <HoverCard openDelay={200} closeDelay={100}>
      <HoverCard.Trigger
        as={A}
        class="cite"
        href={playing(props.citation)}
        aria-label={`Source ${props.citation.number}: ${props.citation.videoTitle} at ${clock(toSeconds(props.citation.moment))}`}
      >
        {props.citation.number}
      </HoverCard.Trigger>
      <HoverCard.Portal>
        <HoverCard.Content class="hover-card">
          <p dir="auto">“{props.citation.quote}”</p>
          <p class="faint small">
            <Icon name="play" /> {clock(toSeconds(props.citation.moment))} ·{" "}
            <span dir="auto">{props.citation.videoTitle}</span>
          </p>
        </HoverCard.Content>
      </HoverCard.Portal>
    </HoverCard>
  );
}
