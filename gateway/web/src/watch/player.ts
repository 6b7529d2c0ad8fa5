// What plays, behind one face: a media element, YouTube's frame, or a mere position where there is nothing to play.

import { createEffect, createSignal, onCleanup, type Accessor } from "solid-js";

export interface Player {
  /** Seconds. */
  time: Accessor<number>;
  duration: Accessor<number>;
  playing: Accessor<boolean>;
  rate: Accessor<number>;
  muted: Accessor<boolean>;
  /** Whether there is something that plays. */
  audible: Accessor<boolean>;
  seek: (time: number) => void;
  play: () => void;
  pause: () => void;
  toggle: () => void;
  setRate: (rate: number) => void;
  toggleMuted: () => void;
  /** Takes a media element, or a frame with YouTube's player. */
  attach: (element: HTMLMediaElement | HTMLIFrameElement) => void;
}

export const RATES = [0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3] as const;

const RATE_KEY = "vidmesh.rate";
/** Seconds: who comes back after a pause hears the last words again. */
const REWIND = 1.5;
const REWIND_AFTER_MS = 10_000;

/** `length` is how long the video is, where the medium does not say. */
export function createPlayer(length: Accessor<number>): Player {
  const [time, setTime] = createSignal(0);
  const [known, setKnown] = createSignal(0);
  const [playing, setPlaying] = createSignal(false);
  const [rate, setRateSignal] = createSignal(Number(localStorage.getItem(RATE_KEY) ?? 1));
  const [muted, setMuted] = createSignal(false);
  const [backend, setBackend] = createSignal<Backend>();
  const duration = () => known() || length();
  let pausedAt = 0;

  const told: Told = {
    time: setTime,
    duration: (seconds) => setKnown(seconds),
    playing: (now) => {
      if (playing() && !now) pausedAt = Date.now();
      setPlaying(now);
    },
  };

  const seek = (to: number) => {
    const at = Math.max(0, Math.min(to, duration() || Infinity));
    setTime(at);
    pausedAt = Date.now();
    backend()?.seek(at);
  };
  const play = () => {
    if (pausedAt > 0 && Date.now() - pausedAt > REWIND_AFTER_MS) seek(time() - REWIND);
    backend()?.play();
  };
  const pause = () => backend()?.pause();

  createEffect(() => backend()?.setRate(rate()));
  createEffect(() => backend()?.setMuted(muted()));
  createEffect(() => {
    const now = backend();
    onCleanup(() => now?.detach());
  });

  return {
    time,
    duration,
    playing,
    rate,
    muted,
    audible: () => backend() !== undefined,
    seek,
    play,
    pause,
    toggle: () => {
      if (playing()) pause();
      else play();
    },
    setRate: (value) => {
      localStorage.setItem(RATE_KEY, String(value));
      setRateSignal(value);
    },
    toggleMuted: () => setMuted((now) => !now),
    attach: (element) => {
      const made =
        element instanceof HTMLIFrameElement ? youtube(element, told) : mediaElement(element, told, time());
      setBackend(made);
    },
  };
}

interface Told {
  time: (seconds: number) => void;
  duration: (seconds: number) => void;
  playing: (now: boolean) => void;
}

interface Backend {
  seek: (time: number) => void;
  play: () => void;
  pause: () => void;
  setRate: (rate: number) => void;
  setMuted: (muted: boolean) => void;
  detach: () => void;
}

function mediaElement(element: HTMLMediaElement, told: Told, at: number): Backend {
  const stop = new AbortController();
  const on = (name: keyof HTMLMediaElementEventMap, listen: () => void) => {
    element.addEventListener(name, listen, { signal: stop.signal });
  };
  if (at > 0) element.currentTime = at;
  // timeupdate comes four times a second; words are shorter than that.
  let frame = 0;
  const beat = () => {
    told.time(element.currentTime);
    frame = requestAnimationFrame(beat);
  };
  on("play", () => {
    told.playing(true);
    cancelAnimationFrame(frame);
    beat();
  });
  on("pause", () => {
    told.playing(false);
    cancelAnimationFrame(frame);
  });
  on("seeked", () => told.time(element.currentTime));
  on("durationchange", () => {
    if (Number.isFinite(element.duration)) told.duration(element.duration);
  });
  return {
    seek: (time) => (element.currentTime = time),
    play: () => {
      // Refused where the page was not touched yet: the button stays as it is.
      element.play().catch(() => told.playing(false));
    },
    pause: () => element.pause(),
    setRate: (rate) => (element.playbackRate = rate),
    setMuted: (muted) => (element.muted = muted),
    detach: () => {
      cancelAnimationFrame(frame);
      stop.abort();
      told.playing(false);
    },
  };
}

const YOUTUBE = "https://www.youtube-nocookie.com";

interface YoutubeInfo {
  currentTime?: number;
  duration?: number;
  playerState?: number;
}

/** YouTube's frame speaks by messages; it says its time four times a second, and the time between is reckoned. */
function youtube(frame: HTMLIFrameElement, told: Told): Backend {
  const stop = new AbortController();
  const send = (message: object) => frame.contentWindow?.postMessage(JSON.stringify(message), YOUTUBE);
  // Until the frame has spoken, it hears nothing.
  let waiting: object[] | undefined = [];
  const command = (func: string, ...args: unknown[]) => {
    const message = { event: "command", func, args };
    if (waiting === undefined) send(message);
    else waiting.push(message);
  };
  frame.addEventListener("load", () => send({ event: "listening" }), { signal: stop.signal });
  const listen = (event: MessageEvent<unknown>) => {
    if (event.origin !== YOUTUBE || event.source !== frame.contentWindow || typeof event.data !== "string")
      return;
    const { info } = JSON.parse(event.data) as { info?: YoutubeInfo | null };
    for (const message of waiting ?? []) send(message);
    waiting = undefined;
    if (typeof info?.currentTime === "number") told.time(info.currentTime);
    if (typeof info?.duration === "number" && info.duration > 0) told.duration(info.duration);
    if (typeof info?.playerState === "number") told.playing(info.playerState === 1);
  };
  addEventListener("message", listen, { signal: stop.signal });
  return {
    seek: (time) => command("seekTo", time, true),
    play: () => command("playVideo"),
    pause: () => command("pauseVideo"),
    setRate: (rate) => command("setPlaybackRate", rate),
    setMuted: (muted) => command(muted ? "mute" : "unMute"),
    detach: () => {
      stop.abort();
      told.playing(false);
    },
  };
}
