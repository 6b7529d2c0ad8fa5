// The player's face: picture, controls, and a timeline with chapters and finds.

import { createEffect, createMemo, For, Match, onMount, Show, Switch, type JSX } from "solid-js";

import { clock, length } from "../format";
import { Icon } from "../parts/icon";
import { shortcut } from "../parts/keys";
import { RATES, type Player } from "./player";
import type { SourceOf } from "./source-of";

export interface Mark {
  start: number;
  title: string;
}

export function Stage(props: {
  player: Player;
  media: SourceOf;
  /** How long the video is, in seconds. */
  length: number;
  /** Whether more of the video is still to be read. */
  live: boolean;
  chapters: Mark[];
  /** Moments that were found, in seconds. */
  finds: number[];
  /** The address of captions as WebVTT, once there are any. */
  captions: string | undefined;
  language: string;
  /** The reader goes to a moment. */
  onMoment: (seconds: number) => void;
  onFile: (file: File) => void;
}): JSX.Element {
  const file = () => {
    const source = props.media.source();
    return source?.kind === "file" ? source : undefined;
  };
  const youtube = () => {
    const source = props.media.source();
    return source?.kind === "youtube" ? source : undefined;
  };
  const audio = () => file()?.audio ?? false;
  const nothing = () => props.media.source() === undefined && !props.media.looking();
  let screen!: HTMLDivElement;
  const picture = () => props.media.source() !== undefined && !audio();
  const toggleFull = () => {
    if (document.fullscreenElement !== null) void document.exitFullscreen();
    else if (picture()) void screen.requestFullscreen();
  };
  onMount(() => shortcut(["f"], toggleFull));
  return (
    <section class="stage-box" aria-label="Player">
      <div class="screen" classList={{ sound: audio(), none: nothing() }} ref={screen}>
        <Switch>
          <Match when={nothing()}>
            <NoMedia broken={props.media.broken()} live={props.live} onFile={props.onFile} />
          </Match>
          <Match when={file()}>
            {(source) => (
              <video
                src={source().url}
                ref={(element) => props.player.attach(element)}
                preload="metadata"
                playsinline
                onClick={() => props.player.toggle()}
                onError={() => props.media.giveUp()}
              >
                <Show when={props.captions}>
                  {(captions) => (
                    <track
                      kind="captions"
                      src={captions()}
                      srclang={props.language || "en"}
                      label="Transcript"
                    />
                  )}
                </Show>
              </video>
            )}
          </Match>
          <Match when={youtube()}>
            {(source) => (
              <iframe
                src={`https://www.youtube-nocookie.com/embed/${encodeURIComponent(source().id)}?enablejsapi=1&playsinline=1&rel=0&origin=${encodeURIComponent(location.origin)}`}
                ref={(element) => props.player.attach(element)}
                title="YouTube"
                allow="autoplay; encrypted-media; fullscreen; picture-in-picture"
                referrerpolicy="strict-origin-when-cross-origin"
              />
            )}
          </Match>
        </Switch>
      </div>
      <Timeline
        player={props.player}
        length={props.length}
        chapters={props.chapters}
        finds={props.finds}
        onMoment={props.onMoment}
      />
      <div class="controls">
        <button
          class="icon-button play"
          disabled={!props.player.audible()}
          aria-label={props.player.playing() ? "Pause" : "Play"}
          title={props.player.playing() ? "Pause (k)" : "Play (k)"}
          onClick={() => props.player.toggle()}
        >
          <Icon name={props.player.playing() ? "pause" : "play"} />
        </button>
        <button
          class="icon-button skip-button"
          aria-label="Back 10 seconds"
          title="Back 10 s (j)"
          onClick={() => props.player.seek(props.player.time() - 10)}
        >
          −10
        </button>
        <button
          class="icon-button skip-button"
          aria-label="Forward 10 seconds"
          title="Forward 10 s (l)"
          onClick={() => props.player.seek(props.player.time() + 10)}
        >
          +10
        </button>
        <span class="times">
          {clock(props.player.time())} <span class="faint">/ {length(props.length)}</span>
        </span>
        <span class="spacer" />
        <label class="hidden" for="rate">
          Speed
        </label>
        <select
          id="rate"
          class="select small"
          title="Speed (< and >)"
          onChange={(event) => props.player.setRate(Number(event.currentTarget.value))}
        >
          <For each={RATES}>
            {(rate) => (
              <option value={rate} selected={rate === props.player.rate()}>
                {rate}×
              </option>
            )}
          </For>
        </select>
        <button
          class="icon-button mute"
          aria-label="Mute"
          aria-pressed={props.player.muted()}
          title="Mute (m)"
          onClick={() => props.player.toggleMuted()}
        >
          <Icon name={props.player.muted() ? "mute" : "sound"} />
        </button>
        <Show when={picture()}>
          <button class="icon-button" aria-label="Full screen" title="Full screen (f)" onClick={toggleFull}>
            <Icon name="full" />
          </button>
        </Show>
      </div>
    </section>
  );
}

function NoMedia(props: { broken: boolean; live: boolean; onFile: (file: File) => void }): JSX.Element {
  const why = () => {
    if (props.broken)
      return "This browser cannot play the file. Its text is here, and every moment can be linked to.";
    if (props.live) return "Picture and sound are here when the file has been read to its end.";
    return "Of this video the text alone is kept. Every moment can be linked to.";
  };
  return (
    <div class="no-media">
      <p>{why()}</p>
      <label class="button">
        <Icon name="file" /> Play it from a file of yours
        <input
          class="hidden"
          type="file"
          accept="video/*,audio/*,.mkv,.flac"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            if (file !== undefined) props.onFile(file);
          }}
        />
      </label>
    </div>
  );
}

function Timeline(props: {
  player: Player;
  length: number;
  chapters: Mark[];
  finds: number[];
  onMoment: (seconds: number) => void;
}): JSX.Element {
  const duration = () => props.player.duration() || 1;
  const place = (seconds: number) => `${Math.min(100, (seconds / duration()) * 100)}%`;
  const chapter = createMemo(
    () => props.chapters.findLast((one) => one.start <= props.player.time() + 0.01)?.title ?? "",
  );
  return (
    <div class="timeline">
      <div class="track" aria-hidden="true">
        <span
          class="track-fill"
          style={{ transform: `scaleX(${Math.min(1, props.player.time() / duration())})` }}
        />
        <For each={props.chapters}>
          {(one) => (
            <Show when={one.start > 0}>
              <span class="tick" style={{ left: place(one.start) }} title={one.title} />
            </Show>
          )}
        </For>
        <For each={props.finds}>
          {(start) => <span class="tick find-mark" style={{ left: place(start) }} />}
        </For>
      </div>
      <input
        type="range"
        class="seek"
        min="0"
        step="0.1"
        ref={(element) => {
          // Both at once: a value above the maximum of that moment would be cut to it.
          createEffect(() => {
            element.max = String(duration());
            element.value = String(props.player.time());
          });
        }}
        aria-label="Position"
        aria-valuetext={`${clock(props.player.time())} of ${length(props.length)}${chapter() && `, ${chapter()}`}`}
        onInput={(event) => props.onMoment(event.currentTarget.valueAsNumber)}
      />
    </div>
  );
}
