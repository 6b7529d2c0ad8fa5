// Keys that act anywhere on a page, except where somebody types or a control wants them itself.

import { onCleanup } from "solid-js";

/** Acts on keys while the component that asks is there. */
export function shortcut(keys: string[], act: () => void): void {
  const listen = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !keys.includes(event.key))
      return;
    if (isTaken(event.target, event.key)) return;
    event.preventDefault();
    act();
  };
  document.addEventListener("keydown", listen);
  onCleanup(() => {
    document.removeEventListener("keydown", listen);
  });
}

function isTaken(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (
    target.closest(
      "input:not([type=range]), textarea, select, [contenteditable], [role=dialog], [role=menu]",
    ) !== null
  )
    return true;
  if (key === " ") return target.closest("button, a, summary, label, [role=tab]") !== null;
  if (key.startsWith("Arrow")) return target.closest("[type=range], [role=tab], [role=region]") !== null;
  return false;
}
