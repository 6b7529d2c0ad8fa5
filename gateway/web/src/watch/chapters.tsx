// The chapters as a list; the one that plays is marked.

import { createMemo, For, Show, type JSX } from "solid-js";

import { clock } from "../format";
import { placeAt } from "./lines";
import type { Player } from "./player";
import type { Chapter } from "./video-of";

export function Chapters(props: {
  chapters: Chapter[];
  player: Player;
  live: boolean;
  onMoment: (seconds: number) => void;
}): JSX.Element {
  const current = createMemo(() => placeAt(props.chapters, props.player.time() + 0.05));
  return (
    <Show
      when={props.chapters.length > 0}
      fallback={<p class="faint panel">There are no chapters {props.live ? "yet" : "in this video"}.</p>}
    >
      <ol class="chapters">
        <For each={props.chapters}>
          {(chapter, place) => (
            <li>
              <button
                class="chapter"
                aria-current={current() === place() ? "true" : undefined}
                onClick={() => props.onMoment(chapter.start)}
              >
                <span class="row-time">{clock(chapter.start)}</span>
                <span dir="auto">
                  <strong>{chapter.title}</strong>
                  <Show when={chapter.gist}>
                    <span class="faint gist">{chapter.gist}</span>
                  </Show>
                </span>
              </button>
            </li>
          )}
        </For>
      </ol>
    </Show>
  );
}
