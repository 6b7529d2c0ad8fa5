// Where the sound and picture of a video may come from besides the mesh: a file of this computer, a link, YouTube.

import { createSignal } from "solid-js";

export type MediaSource = { kind: "file"; url: string; audio: boolean } | { kind: "youtube"; id: string };

const PLAYABLE = /\.(mp4|webm|m4v|mov|ogv|mp3|m4a|aac|ogg|opus|wav|flac)$/i;
const SOUND = /\.(mp3|m4a|aac|ogg|opus|wav|flac)$/i;
const YOUTUBE = /^(?:www\.|m\.|music\.)?youtube\.com$/;

/** Files given on this page, by video: they play at once, without a download. */
const [given, setGiven] = createSignal<ReadonlyMap<string, MediaSource>>(new Map());

export function rememberMedia(videoId: string, file: File): void {
  const before = given().get(videoId);
  if (before?.kind === "file") URL.revokeObjectURL(before.url);
  const source: MediaSource = {
    kind: "file",
    url: URL.createObjectURL(file),
    audio: file.type.startsWith("audio/") || SOUND.test(file.name),
  };
  setGiven((all) => new Map(all).set(videoId, source));
}

/** The file that was given on this page for a video. */
export function givenMedia(videoId: string): MediaSource | undefined {
  return given().get(videoId);
}

export function fromLink(link: string): MediaSource | undefined {
  if (!URL.canParse(link)) return undefined;
  const url = new URL(link);
  if (url.hostname === "youtu.be") return { kind: "youtube", id: url.pathname.slice(1) };
  if (YOUTUBE.test(url.hostname)) {
    const id = url.searchParams.get("v") ?? /^\/(?:shorts|live|embed)\/([\w-]+)/.exec(url.pathname)?.[1];
    return id ? { kind: "youtube", id } : undefined;
  }
  if (/^https?:$/.test(url.protocol) && PLAYABLE.test(url.pathname)) {
    return { kind: "file", url: link, audio: SOUND.test(url.pathname) };
  }
  return undefined;
}
