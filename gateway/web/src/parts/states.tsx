// What a page shows in place of its content: nothing yet, nothing at all, or what went wrong; with one thing to do next.

import { onCleanup, onMount, Show, type JSX, type ParentProps } from "solid-js";
import type { VidmeshError } from "@vidmesh/client";

import { Icon, type IconName } from "./icon";

export function Empty(props: ParentProps<{ icon: IconName; title: string }>): JSX.Element {
  return (
    <div class="state">
      <span class="state-icon">
        <Icon name={props.icon} />
      </span>
      <h2>{props.title}</h2>
      <div class="state-text">{props.children}</div>
    </div>
  );
}

/** `again` is tried by itself too when the browser has its network back. */
export function Problem(props: ParentProps<{ error: VidmeshError; again?: () => void }>): JSX.Element {
  const again = () => {
    if (!props.error.told) props.again?.();
  };
  onMount(() => addEventListener("online", again));
  onCleanup(() => removeEventListener("online", again));
  return (
    <div class="state" role="alert">
      <span class="state-icon bad">
        <Icon name="warn" />
      </span>
      <h2>{props.error.message}</h2>
      <p class="state-text">{props.error.advice}</p>
      <div class="state-actions">
        <Show when={props.again}>
          {(again) => (
            <button class="button" onClick={() => again()()}>
              Try again
            </button>
          )}
        </Show>
        {props.children}
      </div>
    </div>
  );
}

/** Grey lines where text will be, of about its height, so that nothing jumps. */
export function Waiting(props: { lines?: number; label?: string }): JSX.Element {
  return (
    <div class="waiting" role="status">
      <span class="hidden">{props.label ?? "Loading"}</span>
      {Array.from({ length: props.lines ?? 4 }, (_, line) => (
        <span class="waiting-line" style={{ width: `${92 - ((line * 17) % 40)}%` }} />
      ))}
    </div>
  );
}
