// A video and its chapters, read again while its job runs.

import { createEffect, createMemo, createSignal, on, onCleanup, type Accessor } from "solid-js";
import {
  ExportFormat,
  StageState,
  toSeconds,
  type ListChaptersResponse,
  type Video,
  type VidmeshError,
} from "@vidmesh/client";

import { asProblem, mesh } from "../mesh";
import type { TextOf } from "./text-of";

export interface Chapter {
  /** Seconds. */
  start: number;
  title: string;
  gist: string;
}

export interface VideoOf {
  video: Accessor<Video | undefined>;
  chapters: Accessor<Chapter[]>;
  /** Whether more is to come. */
  live: Accessor<boolean>;
  /** How long the mesh knows it to be, as the library tells it too. Seconds; 0 until it is known. */
  length: Accessor<number>;
  /** The address of captions as WebVTT, once the text is whole. */
  captions: Accessor<string | undefined>;
  problem: Accessor<VidmeshError | undefined>;
  rename: (title: string) => Promise<void>;
}

/** Milliseconds between two readings. */
const PAUSE = 3000;

const OPEN = new Set<StageState | undefined>([StageState.RUNNING, StageState.WAITING]);

export function videoOf(id: string, text: TextOf): VideoOf {
  const [video, setVideo] = createSignal<Video>();
  const [cut, setCut] = createSignal<ListChaptersResponse>();
  const [captions, setCaptions] = createSignal<string>();
  const [problem, setProblem] = createSignal<VidmeshError>();
  const live = () => text.live() || OPEN.has(cut()?.state);

  const readVideo = async () => {
    try {
      setVideo((await mesh.query.getVideo({ videoId: id })).video);
      setProblem(undefined);
    } catch (thrown) {
      // A reading that fails later leaves what is there.
      const error = asProblem(thrown);
      if (video() === undefined) setProblem(error);
    }
  };
  const rename = async (title: string) => {
    setVideo((await mesh.query.updateVideo({ videoId: id, title })).video);
  };
  const readChapters = async () => {
    try {
      setCut(await mesh.summarize.listChapters({ videoId: id }));
    } catch (thrown) {
      // There are none to speak of before the summarize stage has heard of the video.
      asProblem(thrown);
    }
  };
  const forget = (url: string | undefined) => {
    if (url !== undefined) URL.revokeObjectURL(url);
  };
  const readCaptions = async () => {
    try {
      const { content } = await mesh.transcribe.exportTranscript({ videoId: id, format: ExportFormat.VTT });
      forget(captions());
      setCaptions(URL.createObjectURL(new Blob([content], { type: "text/vtt" })));
    } catch (thrown) {
      // The transcript beside the picture is the same text.
      asProblem(thrown);
    }
  };
  void readVideo();
  void readChapters();
  const timer = setInterval(() => {
    if (!live() || document.hidden) return;
    void readVideo();
    void readChapters();
  }, PAUSE);
  const whole = createMemo(() => text.transcript()?.state === StageState.SUCCEEDED);
  createEffect(
    on([whole, text.corrected], ([now]) => {
      if (now) void readCaptions();
    }),
  );
  onCleanup(() => {
    clearInterval(timer);
    forget(captions());
  });

  const chapters = createMemo(() =>
    (cut()?.chapters ?? []).map(({ start, title, gist }) => ({ start: toSeconds(start), title, gist })),
  );
  const length = () => toSeconds(video()?.duration) || toSeconds(text.transcript()?.duration);
  return { video, chapters, live, length, captions, problem: () => problem() ?? text.problem(), rename };
}
