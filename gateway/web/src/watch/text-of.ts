// A video's transcript as it comes.

import { createSignal, onCleanup, type Accessor } from "solid-js";
import type { Transcript, VidmeshError } from "@vidmesh/client";

import { asProblem, mesh } from "../mesh";
import { toLine, type Line } from "./lines";

export interface TextOf {
  lines: Accessor<Line[]>;
  transcript: Accessor<Transcript | undefined>;
  problem: Accessor<VidmeshError | undefined>;
  /** Keeps a person's text for the line with an index. */
  correct: (index: number, text: string) => Promise<void>;
  /** How many lines were corrected on this page. */
  corrected: Accessor<number>;
}

const BEAT = 100;
const UNTIL_BEGUN = 2000;

export function textOf(videoId: string): TextOf {
  const [lines, setLines] = createSignal<Line[]>([]);
  const [transcript, setTranscript] = createSignal<Transcript>();
  const [problem, setProblem] = createSignal<VidmeshError>();
  const [corrected, setCorrected] = createSignal(0);
  const stop = new AbortController();
  let fresh: Line[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let later: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    timer = undefined;
    if (fresh.length > 0) setLines((all) => [...all, ...fresh.splice(0)]);
  };
  onCleanup(() => {
    clearTimeout(timer);
    clearTimeout(later);
    stop.abort();
  });
  const follow = async (): Promise<void> => {
    try {
      for await (const message of mesh.transcript(videoId, { signal: stop.signal, patienceMs: Infinity })) {
        if (message.case === "segment") {
          fresh.push(toLine(message.value));
          timer ??= setTimeout(flush, BEAT);
        } else {
          const before = transcript();
          if (before !== undefined && before.jobId !== message.value.jobId) {
            fresh = [];
            setLines([]);
          }
          setTranscript(message.value);
        }
      }
    } catch (thrown) {
      const error = asProblem(thrown);
      if (error.aborted) return;
      // A video is in the library before its text has begun; where there is no video, the page says so itself.
      if (error.reason === "NOT_FOUND") later = setTimeout(() => void follow(), UNTIL_BEGUN);
      else setProblem(error);
    }
  };
  void follow();
  const correct = async (index: number, text: string): Promise<void> => {
    const { segment } = await mesh.transcribe.correctSegment({ videoId, index, text });
    if (segment === undefined) return;
    const now = toLine(segment);
    setLines((all) => all.map((line) => (line.index === index ? now : line)));
    setCorrected((count) => count + 1);
  };
  return { lines, transcript, problem, correct, corrected };
}
