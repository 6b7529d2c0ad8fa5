// Outcomes, told for some seconds in a corner and to screen readers.

import { A } from "@solidjs/router";
import { For, Show, type JSX } from "solid-js";
import { createStore } from "solid-js/store";

import { Icon } from "./icon";

interface Action {
  label: string;
  href?: string;
  run?: () => void;
}

interface Toast {
  id: number;
  text: string;
  action: Action | undefined;
}

const SHOWN_MS = 8000;

const [toasts, setToasts] = createStore<Toast[]>([]);
let last = 0;

export function toast(text: string, action?: Action): () => void {
  last += 1;
  const id = last;
  setToasts(toasts.length, { id, text, action });
  const close = () => setToasts((all) => all.filter((one) => one.id !== id));
  setTimeout(close, SHOWN_MS);
  return close;
}

export function Toasts(): JSX.Element {
  const close = (id: number) => setToasts((all) => all.filter((one) => one.id !== id));
  return (
    <div class="toasts" role="status" aria-live="polite">
      <For each={toasts}>
        {(one) => (
          <div class="toast">
            <span>{one.text}</span>
            <Show when={one.action}>
              {(action) => (
                <Show
                  when={action().href}
                  fallback={
                    <button
                      class="link"
                      onClick={() => {
                        action().run?.();
                        close(one.id);
                      }}
                    >
                      {action().label}
                    </button>
                  }
                >
                  {(href) => (
                    <A href={href()} onClick={() => close(one.id)}>
                      {action().label}
                    </A>
                  )}
                </Show>
              )}
            </Show>
            <button class="icon-button small" aria-label="Close" onClick={() => close(one.id)}>
              <Icon name="close" />
            </button>
          </div>
        )}
      </For>
    </div>
  );
}
