// A video's transcript as it comes.

import { createEffect, createMemo, createSignal, onCleanup, type Accessor } from "solid-js";
import { StageState, type Transcript, type VidmeshError } from "@vidmesh/client";

import { asProblem, mesh } from "../mesh";
import { toLine, type Line } from "./lines";

export interface TextOf {
  lines: Accessor<Line[]>;
  /** Undefined before anything is known, and where a retry is about to void what was. */
  transcript: Accessor<Transcript | undefined>;
  /** Whether more of it is to come. */
  live: Accessor<boolean>;
  /** The transcript that ended without a word of the video. */
  wordless: Accessor<Transcript | undefined>;
  problem: Accessor<VidmeshError | undefined>;
  /** Keeps a person's text for the line with an index. */
  correct: (index: number, text: string) => Promise<void>;
  /** How many lines were corrected on this page. */
  corrected: Accessor<number>;
}

const BEAT = 100;
const UNTIL_BEGUN = 2000;

const OPEN = new Set<StageState | undefined>([StageState.RUNNING, StageState.WAITING]);
const VOID = new Set<StageState | undefined>([StageState.FAILED, StageState.CANCELLED]);

/** `atWork` tells whether the video has a job that has not ended. */
export function textOf(videoId: string, atWork: Accessor<boolean>): TextOf {
  const [lines, setLines] = createSignal<Line[]>([]);
  const [transcript, setTranscript] = createSignal<Transcript>();
  const [problem, setProblem] = createSignal<VidmeshError>();
  const [corrected, setCorrected] = createSignal(0);
  const stop = new AbortController();
  let fresh: Line[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let later: ReturnType<typeof setTimeout> | undefined;
  let following = false;
  const isRetried = createMemo(() => atWork() && VOID.has(transcript()?.state));
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
    following = true;
    let job: string | undefined;
    try {
      for await (const message of mesh.transcript(videoId, { signal: stop.signal, patienceMs: Infinity })) {
        if (message.case === "segment") {
          fresh.push(toLine(message.value));
          timer ??= setTimeout(flush, BEAT);
        } else if (job === undefined && isRetried() && VOID.has(message.value.state)) {
          break;
        } else {
          // Of another job, or of another run of the same one: its text comes from the beginning.
          if (job !== message.value.jobId) {
            fresh = [];
            setLines([]);
          }
          job = message.value.jobId;
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
    following = false;
  };
  void follow();
  // Of a retry its job tells first: the text is asked for until it has heard of it.
  createEffect(() => {
    if (!isRetried()) return;
    const asking = setInterval(() => {
      if (!following) void follow();
    }, UNTIL_BEGUN);
    onCleanup(() => clearInterval(asking));
  });
  const correct = async (index: number, text: string): Promise<void> => {
    const { segment } = await mesh.transcribe.correctSegment({ videoId, index, text });
    if (segment === undefined) return;
    const now = toLine(segment);
    setLines((all) => all.map((line) => (line.index === index ? now : line)));
    setCorrected((count) => count + 1);
  };
  const valid = () => (isRetried() ? undefined : transcript());
  const wordless = () => {
    const now = valid();
    return VOID.has(now?.state) && now?.segmentCount === 0 ? now : undefined;
  };
  return {
    lines,
    transcript: valid,
    wordless,
    live: () => isRetried() || OPEN.has(transcript()?.state),
    problem,
    correct,
    corrected,
  };
}
