// Keys that act anywhere on a page, except where somebody types or a control wants them itself.

import { onCleanup } from "solid-js";

interface Shortcut {
  keys: string[];
  act: () => void;
}

/** The last that asked for a key gets it: a page before the frame around it. */
const shortcuts: Shortcut[] = [];

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const found = shortcuts.findLast((one) => one.keys.includes(event.key));
  if (found === undefined || isTaken(event.target, event.key)) return;
  event.preventDefault();
  found.act();
});

/** Acts on keys while the component that asks is there. */
export function shortcut(keys: string[], act: () => void): void {
  const one = { keys, act };
  shortcuts.push(one);
  onCleanup(() => shortcuts.splice(shortcuts.indexOf(one), 1));
}

function isTaken(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  const typing = "input:not([type=range]):not([type=checkbox]), textarea, select, [contenteditable]";
  if (target.closest(`${typing}, [role=dialog], [role=menu]`) !== null) return true;
  if (key === " ") return target.closest("button, a, summary, label, input, [role=tab]") !== null;
  if (key.startsWith("Arrow")) return target.closest("[type=range], [role=tab]") !== null;
  return false;
}
