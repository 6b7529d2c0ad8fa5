// What plays a video: a file given on this page, YouTube's player, the file that the mesh keeps, or the link it came from.

import { createEffect, createMemo, createSignal, onCleanup, type Accessor } from "solid-js";

import { keptMedia } from "./kept";
import { fromLink, givenMedia, type MediaSource } from "./media";
import type { VideoOf } from "./video-of";

export interface SourceOf {
  /** Undefined where nothing plays it, or not yet. */
  source: Accessor<MediaSource | undefined>;
  /** Whether it is still being found out. */
  looking: Accessor<boolean>;
  /** Whether there is a file that this browser could not play. */
  broken: Accessor<boolean>;
  /** Says that the source does not play: the next one is tried. */
  giveUp: () => void;
}

/** Milliseconds between two looks for a file that is still being read. */
const PAUSE = 3000;

export function sourceOf(id: string, about: Pick<VideoOf, "video" | "live">): SourceOf {
  // Null: the mesh keeps none.
  const [kept, setKept] = createSignal<MediaSource | null>();
  const [givenUp, setGivenUp] = createSignal<ReadonlySet<string>>(new Set());
  const stop = new AbortController();
  const link = createMemo(() => fromLink(about.video()?.pageUrl ?? ""));
  const asked = createMemo(
    () => about.video() !== undefined && link()?.kind !== "youtube" && givenMedia(id) === undefined,
  );
  const look = async () => {
    const found = await keptMedia(id, stop.signal);
    if (!stop.signal.aborted) setKept(found ?? null);
  };
  createEffect(() => {
    if (!asked()) return;
    if (kept() === undefined) void look();
    else if (kept() === null && about.live()) {
      const later = setTimeout(() => void look(), PAUSE);
      onCleanup(() => clearTimeout(later));
    }
  });
  onCleanup(() => {
    stop.abort();
    const now = kept();
    if (now?.kind === "file" && now.url.startsWith("blob:")) URL.revokeObjectURL(now.url);
  });
  const looking = () => asked() && kept() === undefined;
  const plays = (one: MediaSource | null | undefined) =>
    one?.kind === "file" && givenUp().has(one.url) ? undefined : (one ?? undefined);
  const source = createMemo(() => {
    if (looking()) return undefined;
    return plays(givenMedia(id)) ?? plays(kept()) ?? plays(link());
  });
  const giveUp = () => {
    const now = source();
    if (now?.kind === "file") setGivenUp((all) => new Set([...all, now.url]));
  };
  return { source, looking, broken: () => givenUp().size > 0, giveUp };
}
