// The keys that the app knows, listed.

import { Dialog } from "@kobalte/core/dialog";
import { For, type JSX } from "solid-js";

const KEYS: [string, string][] = [
  ["Space or k", "Play, pause"],
  ["j, l", "10 seconds back, forward"],
  ["←, →", "5 seconds back, forward"],
  ["0 … 9", "To a tenth of the video"],
  ["<, >", "Slower, faster"],
  ["m", "Mute"],
  ["c", "Copy a link to this moment"],
  ["/", "Search, or find in the transcript"],
  ["?", "These keys"],
];

export function KeysDialog(props: { open: boolean; onOpen: (open: boolean) => void }): JSX.Element {
  return (
    <Dialog open={props.open} onOpenChange={props.onOpen}>
      <Dialog.Portal>
        <Dialog.Overlay class="overlay" />
        <Dialog.Content class="dialog">
          <Dialog.Title>Keys</Dialog.Title>
          <dl class="keys">
            <For each={KEYS}>
              {([key, what]) => (
                <div>
                  <dt>
                    <kbd>{key}</kbd>
                  </dt>
                  <dd>{what}</dd>
                </div>
              )}
            </For>
          </dl>
          <div class="dialog-actions">
            <Dialog.CloseButton class="button">Close</Dialog.CloseButton>
          </div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog>
  );
}
