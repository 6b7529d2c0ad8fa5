// The field that finds in the transcript.

import { onCleanup, onMount, Show, type JSX } from "solid-js";

import { Icon } from "../parts/icon";
import { shortcut } from "../parts/keys";
import type { Finder } from "./finder";

export function FindBox(props: { finder: Finder; onFound: () => void }): JSX.Element {
  let box!: HTMLInputElement;
  const step = (by: 1 | -1) => {
    props.finder.step(by);
    props.onFound();
  };
  onMount(() => shortcut(["/"], () => box.focus()));
  onCleanup(() => props.finder.setText(""));
  return (
    <div class="find" role="search">
      <Icon name="search" />
      <input
        ref={box}
        type="search"
        placeholder="Find in the transcript"
        aria-label="Find in the transcript"
        value={props.finder.text()}
        onInput={(event) => props.finder.setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") {
            step(event.shiftKey ? -1 : 1);
          } else if (event.key === "Escape") {
            props.finder.setText("");
            box.blur();
          }
        }}
      />
      <Show when={props.finder.text().trim()}>
        <span class="faint find-count" role="status">
          {props.finder.finds().length === 0
            ? "not found"
            : `${props.finder.place() + 1} of ${props.finder.finds().length}`}
        </span>
        <button class="icon-button small" aria-label="The one before" onClick={() => step(-1)}>
          <Icon name="up" />
        </button>
        <button class="icon-button small" aria-label="The next one" onClick={() => step(1)}>
          <Icon name="down" />
        </button>
      </Show>
    </div>
  );
}
