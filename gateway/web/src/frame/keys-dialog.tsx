// The keys that the app knows, listed.

import { Dialog } from "@kobalte/core/dialog";
import { createEffect, For, type JSX } from "solid-js";

const KEYS: [string[], string][] = [
  [["Space", "k"], "Play or pause"],
  [["j", "l"], "10 seconds back, forward"],
  [["←", "→"], "5 seconds back, forward"],
  [["0 – 9"], "To that tenth of the video"],
  [["<", ">"], "Slower, faster"],
  [["m"], "Mute"],
  [["f"], "Full screen"],
  [["c"], "Copy a link to this moment"],
  [["e"], "Correct the line that is spoken"],
  [["/"], "Search; beside a transcript, find in it"],
  [["?"], "Show these keys"],
];

export function KeysDialog(props: { open: boolean; onOpen: (open: boolean) => void }): JSX.Element {
  /** Where the keyboard was: a dialog that a key opens has no button to go back to. */
  let before: Element | null = null;
  createEffect(() => {
    if (props.open) before = document.activeElement;
  });
  return (
    <Dialog open={props.open} onOpenChange={props.onOpen}>
      <Dialog.Portal>
        <Dialog.Overlay class="overlay" />
        <Dialog.Content
          class="dialog"
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            if (before instanceof HTMLElement) before.focus();
          }}
        >
          <Dialog.Title>Keys</Dialog.Title>
          <dl class="keys">
            <For each={KEYS}>
              {([keys, what]) => (
                <div>
                  <dt>
                    <For each={keys}>{(key) => <kbd>{key}</kbd>}</For>
                  </dt>
                  <dd>{what}</dd>
                </div>
              )}
            </For>
          </dl>
          <div class="dialog-actions">
            <Dialog.CloseButton class="button" aria-label="Close">
              Close
            </Dialog.CloseButton>
          </div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog>
  );
}
