// A conversation: its questions, and answers as they are written.

import { createSignal, onCleanup, type Accessor } from "solid-js";
import { createStore, produce } from "solid-js/store";
import { AnswerKind, type Answer, type AskOptions, type Citation, type VidmeshError } from "@vidmesh/client";

import { asProblem, mesh } from "../mesh";

export interface Exchange {
  question: string;
  text: string;
  citations: Citation[];
  kind: AnswerKind;
  notice: string;
  writing: boolean;
  stopped: boolean;
  problem: VidmeshError | undefined;
}

export interface Dialogue {
  exchanges: readonly Exchange[];
  /** The conversation's id; empty until its first question is asked. */
  id: Accessor<string>;
  busy: Accessor<boolean>;
  loading: Accessor<boolean>;
  problem: Accessor<VidmeshError | undefined>;
  /** Asks, and resolves when the answer is whole, stopped or failed. */
  ask: (question: string) => Promise<void>;
  stop: () => void;
  /** Shows another conversation; an empty id begins a new one. */
  open: (id: string) => Promise<void>;
}

/** What a conversation is about; of all videos where there is nothing in it. */
export type About = NonNullable<AskOptions["scope"]>;

/** A new conversation is about what `about` gives then. */
export function createDialogue(about: Accessor<About>): Dialogue {
  const [exchanges, setExchanges] = createStore<Exchange[]>([]);
  const [id, setId] = createSignal("");
  const [busy, setBusy] = createSignal(false);
  const [loading, setLoading] = createSignal(false);
  const [problem, setProblem] = createSignal<VidmeshError>();
  let stopping = new AbortController();
  onCleanup(() => stopping.abort());

  const ask = async (question: string) => {
    stopping = new AbortController();
    const { signal } = stopping;
    const place = exchanges.length;
    const change = (edit: (one: Exchange) => void) => {
      // Another conversation may have been opened meanwhile.
      if (exchanges[place]?.question === question) setExchanges(place, produce(edit));
    };
    setBusy(true);
    setExchanges(place, asked(question));
    try {
      // A conversation keeps what it is about.
      const options = id() === "" ? { scope: about(), signal } : { conversationId: id(), signal };
      for await (const message of mesh.ask(question, options)) {
        if (message.case === "retrieved") setId(message.value.conversationId);
        else if (message.case === "delta") change((one) => (one.text += message.value));
        else change((one) => Object.assign(one, answered(message.value)));
      }
    } catch (thrown) {
      const error = asProblem(thrown);
      change((one) => {
        if (error.aborted) one.stopped = true;
        else one.problem = error;
      });
    }
    change((one) => (one.writing = false));
    setBusy(false);
  };

  const open = async (wanted: string) => {
    if (wanted === id()) return;
    stopping.abort();
    setId(wanted);
    setExchanges([]);
    setProblem(undefined);
    if (wanted === "") return;
    setLoading(true);
    try {
      const found = await mesh.query.getConversation({ conversationId: wanted });
      if (wanted === id()) {
        const past = found.exchanges.map(({ question, answer }) => ({
          ...asked(question),
          ...(answer && answered(answer)),
          writing: false,
        }));
        setExchanges(past);
      }
    } catch (thrown) {
      setProblem(asProblem(thrown));
    }
    setLoading(false);
  };

  return { exchanges, id, busy, loading, problem, ask, stop: () => stopping.abort(), open };
}

function asked(question: string): Exchange {
  return {
    question,
    text: "",
    citations: [],
    kind: AnswerKind.UNSPECIFIED,
    notice: "",
    writing: true,
    stopped: false,
    problem: undefined,
  };
}

function answered({
  text,
  citations,
  kind,
  notice,
}: Answer): Pick<Exchange, "text" | "citations" | "kind" | "notice"> {
  return { text, citations, kind, notice };
}
