// A video of the library.

import { A } from "@solidjs/router";
import { For, Show, type JSX } from "solid-js";
import { JobState, toDate, toSeconds, type Video } from "@vidmesh/client";

import { ago, length, shortLink } from "../format";
import { STATES } from "../jobs/job-card";
import type { JobView } from "../jobs/job-view";
import { Icon } from "../parts/icon";

export function VideoCard(props: {
  video: Video;
  /** Its newest job, where that is among those the page knows. */
  job: JobView | undefined;
  chosen: boolean;
  onChoose: (chosen: boolean) => void;
  onUntag: (tag: string) => void;
}): JSX.Element {
  /** How it stands with a video that cannot be searched. */
  const state = () => {
    if (props.video.searchable || props.job?.state === JobState.SUCCEEDED) return undefined;
    return props.job === undefined ? { label: "Not searchable yet", tone: "" } : STATES[props.job.state];
  };
  return (
    <li class="card video" classList={{ chosen: props.chosen }}>
      <input
        type="checkbox"
        class="check"
        aria-label={`Select “${props.video.title}”`}
        checked={props.chosen}
        onChange={(event) => props.onChoose(event.currentTarget.checked)}
      />
      <div class="video-text">
        <h2 dir="auto" title={props.video.title}>
          <A href={`/watch/${props.video.id}`}>{props.video.title}</A>
        </h2>
        <p class="faint job-meta">
          <Show when={props.video.duration}>
            {(duration) => <span>{length(toSeconds(duration()))}</span>}
          </Show>
          <Show when={props.video.author}>
            <span dir="auto">{props.video.author}</span>
          </Show>
          <Show when={props.video.pageUrl}>
            <span class="ellipsis">{shortLink(props.video.pageUrl)}</span>
          </Show>
          <Show when={toDate(props.video.createdAt)}>{(date) => <span>{ago(date())}</span>}</Show>
          <Show when={state()}>{(now) => <span class={`badge ${now().tone}`}>{now().label}</span>}</Show>
        </p>
        <Show when={props.video.summary}>
          <p class="clamp" dir="auto">
            {props.video.summary.replaceAll(/[*#`]|\(\d+(:\d\d)+\)/g, "")}
          </p>
        </Show>
        <Show when={props.video.tags.length > 0}>
          <p class="tag-list">
            <For each={props.video.tags}>
              {(name) => (
                <span class="tag">
                  {name}
                  <button aria-label={`Take the tag “${name}” off`} onClick={() => props.onUntag(name)}>
                    <Icon name="close" />
                  </button>
                </span>
              )}
            </For>
          </p>
        </Show>
      </div>
    </li>
  );
}
