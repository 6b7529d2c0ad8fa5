// The summary as it is written, and other ones on demand.

import { createEffect, createSignal, For, on, onCleanup, Show, type JSX } from "solid-js";
import { StageState, SummaryLength, SummaryStyle, type Summary, type VidmeshError } from "@vidmesh/client";

import { asProblem, mesh } from "../mesh";
import { Icon } from "../parts/icon";
import { Prose } from "../parts/prose-view";
import { Problem, Waiting } from "../parts/states";

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
  const [style, setStyle] = createSignal(SummaryStyle.PARAGRAPHS);
  const [length, setLength] = createSignal(SummaryLength.MEDIUM);
  const [language, setLanguage] = createSignal("");
  let stop = new AbortController();
  onCleanup(() => stop.abort());

  const run = async (work: (signal: AbortSignal) => Promise<void>) => {
    stop.abort();
    stop = new AbortController();
    const { signal } = stop;
    setProblem(undefined);
    setWriting(true);
    try {
      await work(signal);
    } catch (thrown) {
      const error = asProblem(thrown);
      if (!error.aborted) setProblem(error);
    }
    if (!signal.aborted) setWriting(false);
  };
  const whole = (one: Summary) => {
    setSummary(one);
    setText(one.text);
  };
  const own = (videoId: string) =>
    run(async (signal) => {
      for await (const message of mesh.summary(videoId, { signal, patienceMs: Infinity })) {
        if (message.case === "summary") whole(message.value);
        else if (message.case === "delta") setText((before) => before + message.value);
        else if (message.case === "restart") setText("");
      }
    });
  const other = () =>
    run(async (signal) => {
      setText("");
      const request = {
        videoId: props.videoId,
        style: style(),
        length: length(),
        language: language(),
      };
      for await (const { message } of mesh.summarize.generateSummary(request, { signal })) {
        if (message.case === "summary") whole(message.value);
        else if (message.case === "delta") setText((before) => before + message.value);
        else if (message.case === "restart") setText("");
      }
    });
  createEffect(
    on(
      () => props.videoId,
      (videoId) => void own(videoId),
    ),
  );

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
      <details class="more">
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
        </form>
      </details>
    </div>
  );
}
