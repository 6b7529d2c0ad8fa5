// The player's face: picture, controls, and a timeline with chapters and finds.

import { createEffect, createMemo, For, Match, Show, Switch, type JSX } from "solid-js";

import { clock } from "../format";
import { Icon } from "../parts/icon";
import type { MediaSource } from "./media";
import { RATES, type Player } from "./player";

export interface Mark {
  start: number;
  title: string;
}

export function Stage(props: {
  player: Player;
  source: MediaSource | undefined;
  chapters: Mark[];
  /** Moments that were found, in seconds. */
  finds: number[];
  /** The address of captions as WebVTT, once there are any. */
  captions: string | undefined;
  language: string;
  onFile: (file: File) => void;
}): JSX.Element {
  const audio = () => props.source?.kind === "file" && props.source.audio;
  let screen!: HTMLDivElement;
  return (
    <section class="stage-box" aria-label="Player">
      <div class="screen" classList={{ sound: audio(), none: props.source === undefined }} ref={screen}>
        <Switch fallback={<NoMedia onFile={props.onFile} />}>
          <Match when={props.source?.kind === "file" && props.source}>
            {(file) => (
              <video
                src={file().url}
                ref={(element) => props.player.attach(element)}
                preload="metadata"
                playsinline
                onClick={() => props.player.toggle()}
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
          <Match when={props.source?.kind === "youtube" && props.source}>
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
      <Timeline player={props.player} chapters={props.chapters} finds={props.finds} />
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
          {clock(props.player.time())} <span class="faint">/ {clock(props.player.duration())}</span>
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
          class="icon-button"
          aria-label="Mute"
          aria-pressed={props.player.muted()}
          title="Mute (m)"
          onClick={() => props.player.toggleMuted()}
        >
          <Icon name={props.player.muted() ? "mute" : "sound"} />
        </button>
        <Show when={props.source !== undefined && !audio()}>
          <button
            class="icon-button"
            aria-label="Full screen"
            title="Full screen (f)"
            onClick={() => void screen.requestFullscreen()}
          >
            <Icon name="full" />
          </button>
        </Show>
      </div>
    </section>
  );
}

function NoMedia(props: { onFile: (file: File) => void }): JSX.Element {
  return (
    <div class="no-media">
      <p>The picture and sound are not at hand here. The text is, and every moment can be linked to.</p>
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

function Timeline(props: { player: Player; chapters: Mark[]; finds: number[] }): JSX.Element {
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
        aria-valuetext={`${clock(props.player.time())} of ${clock(props.player.duration())}${chapter() && `, ${chapter()}`}`}
        onInput={(event) => props.player.seek(event.currentTarget.valueAsNumber)}
      />
    </div>
  );
}
