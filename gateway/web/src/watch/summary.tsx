// The summary as it is written, and other ones on demand.

import { createEffect, createSignal, For, on, onCleanup, Show, type JSX } from "solid-js";
import {
  StageState,
  SummaryLength,
  SummaryStyle,
  type GenerateSummaryResponse,
  type Summary,
  type SummaryMessage,
  type VidmeshError,
} from "@vidmesh/client";

import { asProblem, mesh } from "../mesh";
import { Icon } from "../parts/icon";
import { Prose } from "../parts/prose-view";
import { Problem, Waiting } from "../parts/states";
import { motion } from "./motion";

/** Milliseconds after which a summary that failed is asked for again, where more is to come. */
const PAUSE = 3000;

const names = new Intl.DisplayNames("en", { type: "language" });
const LANGUAGES =
  "ar bn cs da de el en es fa fi fr he hi hu id it ja ko nl no pl pt ro ru sv sw th tr uk vi zh"
    .split(" ")
    .map((tag) => ({ tag, name: names.of(tag) ?? tag }))
    .sort((one, other) => one.name.localeCompare(other.name));

export function SummaryPanel(props: {
  videoId: string;
  /** Whether more of the video is to be heard. */
  live: boolean;
  onMoment: (seconds: number) => void;
}): JSX.Element {
  const [text, setText] = createSignal("");
  const [summary, setSummary] = createSignal<Summary>();
  const [writing, setWriting] = createSignal(true);
  const [problem, setProblem] = createSignal<VidmeshError>();
  /** Why another summary could not be had. */
  const [refusal, setRefusal] = createSignal<VidmeshError>();
  const [style, setStyle] = createSignal(SummaryStyle.PARAGRAPHS);
  const [length, setLength] = createSignal(SummaryLength.MEDIUM);
  const [language, setLanguage] = createSignal("");
  let stop = new AbortController();
  onCleanup(() => stop.abort());

  const run = async (
    work: (signal: AbortSignal) => Promise<void>,
    failed: (error: VidmeshError) => void,
  ): Promise<void> => {
    stop.abort();
    stop = new AbortController();
    const { signal } = stop;
    setRefusal(undefined);
    setWriting(true);
    try {
      await work(signal);
    } catch (thrown) {
      const error = asProblem(thrown);
      if (!error.aborted) failed(error);
    }
    if (!signal.aborted) setWriting(false);
  };
  const take = (message: SummaryMessage | GenerateSummaryResponse["message"]) => {
    setProblem(undefined);
    if (message.case === "summary") {
      setSummary(message.value);
      setText(message.value.text);
    } else if (message.case === "delta") setText((before) => before + message.value);
    else if (message.case === "restart") setText("");
  };
  const own = (videoId: string) =>
    run(async (signal) => {
      setProblem(undefined);
      for await (const message of mesh.summary(videoId, { signal, patienceMs: Infinity })) take(message);
    }, setProblem);
  /** Writes another summary in the place of the one there is, which stays until that begins, and where nothing comes of it. */
  const other = () => {
    const before = { text: text(), summary: summary(), problem: problem() };
    const work = async (signal: AbortSignal) => {
      const request = { videoId: props.videoId, style: style(), length: length(), language: language() };
      let begun = false;
      for await (const { message } of mesh.summarize.generateSummary(request, { signal })) {
        if (!begun) setText("");
        begun = true;
        take(message);
      }
    };
    return run(work, (error) => {
      setText(before.text);
      setSummary(before.summary);
      setProblem(before.problem);
      setRefusal(error);
    });
  };
  createEffect(
    on(
      () => props.videoId,
      (videoId) => void own(videoId),
    ),
  );
  // Of a retry the transcript may hear before the summary does.
  createEffect(() => {
    if (!props.live || writing() || !summary()?.failure) return;
    const later = setTimeout(() => void own(props.videoId), PAUSE);
    onCleanup(() => clearTimeout(later));
  });

  return (
    <div class="panel">
      <Show when={problem()}>
        {(error) => <Problem error={error()} again={() => void own(props.videoId)} />}
      </Show>
      <Show
        when={text()}
        fallback={
          <Show when={!problem()}>
            <Show
              when={summary()?.failure}
              fallback={
                <Show
                  when={writing()}
                  fallback={<p class="faint">Nothing was said that could be summarised.</p>}
                >
                  <Waiting lines={5} label="The summary is being written" />
                  <Show when={props.live}>
                    <p class="faint small">
                      It is written while the video is heard, and appears here by itself.
                    </p>
                  </Show>
                </Show>
              }
            >
              {(failure) => (
                <div class="note bad">
                  <Icon name="warn" />
                  <p>
                    <strong>{failure().message}</strong> {failure().advice}
                  </p>
                </div>
              )}
            </Show>
          </Show>
        }
      >
        <Prose text={text()} onMoment={props.onMoment} />
        <p class="faint small" aria-live="polite">
          {writing()
            ? "Being written…"
            : summary()?.extractive
              ? "The speakers' own sentences: no language model is set."
              : summary()?.state === StageState.SUCCEEDED && `Written by ${summary()?.model ?? ""}`}
        </p>
      </Show>
      <details
        class="more"
        onToggle={(event) => {
          if (event.currentTarget.open)
            event.currentTarget.scrollIntoView({ block: "nearest", behavior: motion() });
        }}
      >
        <summary>Another summary</summary>
        <form
          class="fields"
          onSubmit={(event) => {
            event.preventDefault();
            void other();
          }}
        >
          <label>
            Style
            <select class="select" onChange={(event) => setStyle(Number(event.currentTarget.value))}>
              <option value={SummaryStyle.PARAGRAPHS}>Running text</option>
              <option value={SummaryStyle.BULLETS}>Points</option>
              <option value={SummaryStyle.MINUTES}>Minutes</option>
            </select>
          </label>
          <label>
            Length
            <select class="select" onChange={(event) => setLength(Number(event.currentTarget.value))}>
              <option value={SummaryLength.SHORT}>Short</option>
              <option value={SummaryLength.MEDIUM} selected>
                Medium
              </option>
              <option value={SummaryLength.LONG}>Long</option>
            </select>
          </label>
          <label>
            Language
            <select class="select" onChange={(event) => setLanguage(event.currentTarget.value)}>
              <option value="">The video's own</option>
              <For each={LANGUAGES}>{({ tag, name }) => <option value={tag}>{name}</option>}</For>
            </select>
          </label>
          <button class="button" disabled={writing()}>
            Write it
          </button>
          <Show when={refusal()}>
            {(error) => (
              <p
                class="note bad"
                role="alert"
                ref={(note) => {
                  queueMicrotask(() => note.scrollIntoView({ block: "nearest", behavior: motion() }));
                }}
              >
                {error().message}
              </p>
            )}
          </Show>
        </form>
      </details>
    </div>
  );
}
