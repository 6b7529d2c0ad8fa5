// Questions, answered from what was said, with citations that play.

import { A, useNavigate, useParams } from "@solidjs/router";
import { createEffect, createSignal, For, on, onMount, Show, type JSX } from "solid-js";
import { toDate, type Conversation, type VidmeshError } from "@vidmesh/client";

import { Composer } from "../ask/composer";
import { createDialogue } from "../ask/dialogue";
import { ExchangeView } from "../ask/exchange";
import { ago } from "../format";
import { ScopeFilter, scopeOf, type Chosen } from "../library/scope-filter";
import { asProblem, mesh } from "../mesh";
import { Icon } from "../parts/icon";
import { shortcut } from "../parts/keys";
import { Empty, Problem, Waiting } from "../parts/states";
import { regret } from "../parts/regret";
import { toast } from "../parts/toast";

const LISTED = 50;

export function Ask(): JSX.Element {
  const params = useParams<{ conversation?: string }>();
  const navigate = useNavigate();
  const [about, setAbout] = createSignal<Chosen>({});
  const dialogue = createDialogue(() => scopeOf(about()));
  const [conversations, setConversations] = createSignal<Conversation[]>([]);
  const [unlisted, setUnlisted] = createSignal<VidmeshError>();
  const problem = () => dialogue.problem() ?? unlisted();
  let focus = (): void => undefined;
  let end!: HTMLDivElement;

  const list = async () => {
    try {
      setConversations((await mesh.query.listConversations({ pageSize: LISTED })).conversations);
      setUnlisted(undefined);
    } catch (thrown) {
      setUnlisted(asProblem(thrown));
    }
  };
  const ask = async (question: string) => {
    const answered = dialogue.ask(question);
    queueMicrotask(() => end.scrollIntoView({ block: "end" }));
    await answered;
    if (dialogue.id() !== "" && params.conversation !== dialogue.id()) {
      navigate(`/ask/${dialogue.id()}`, { replace: true });
    }
    await list();
  };
  const remove = (one: Conversation) => {
    setConversations((all) => all.filter(({ id }) => id !== one.id));
    if (one.id === dialogue.id()) navigate("/ask");
    const act = async () => {
      try {
        await mesh.query.deleteConversation({ conversationId: one.id });
      } catch (thrown) {
        toast(asProblem(thrown).message);
      }
      await list();
    };
    regret(
      "The conversation will be deleted.",
      () => void act(),
      () => void list(),
    );
  };

  createEffect(
    on(
      () => params.conversation ?? "",
      (id) => void dialogue.open(id),
    ),
  );
  onMount(() => {
    void list();
    focus();
    shortcut(["/"], () => focus());
  });

  return (
    <div class="page ask">
      <aside class="ask-list" aria-label="Conversations">
        <A class="button" href="/ask" end onClick={() => focus()}>
          <Icon name="add" /> New question
        </A>
        <ul>
          <For each={conversations()}>
            {(one) => (
              <li>
                <A href={`/ask/${one.id}`} class="ask-item" activeClass="current">
                  <span class="clamp" dir="auto">
                    {one.title}
                  </span>
                  <span class="faint small">
                    <Show when={toDate(one.updatedAt)}>{(date) => ago(date())}</Show>
                  </span>
                </A>
                <button
                  class="icon-button small"
                  aria-label={`Delete “${one.title}”`}
                  title="Delete"
                  onClick={() => remove(one)}
                >
                  <Icon name="trash" />
                </button>
              </li>
            )}
          </For>
        </ul>
      </aside>
      <div class="ask-main">
        <h1 classList={{ hidden: dialogue.exchanges.length > 0 }}>Ask</h1>
        <Show when={problem()}>{(error) => <Problem error={error()} again={() => location.reload()} />}</Show>
        <Show when={dialogue.loading()}>
          <Waiting lines={6} label="Loading the conversation" />
        </Show>
        <Show when={dialogue.exchanges.length === 0 && !dialogue.loading() && !problem()}>
          <Empty icon="ask" title="Ask what was said">
            Answers come from your videos alone. Each claim has a number; a click plays the moment that it
            rests on.
            <div class="filters">
              <ScopeFilter chosen={about()} onChoose={setAbout} />
            </div>
          </Empty>
        </Show>
        <div class="exchanges" aria-live="polite" aria-busy={dialogue.busy()}>
          <For each={dialogue.exchanges}>{(one) => <ExchangeView exchange={one} />}</For>
        </div>
        <div ref={end} />
        <Composer
          dialogue={dialogue}
          placeholder="Ask about your videos"
          onAsk={(question) => void ask(question)}
          ref={(given) => (focus = given)}
        />
      </div>
    </div>
  );
}
