// Finding in a transcript: what is looked for, where it is, and which place is looked at.

import { createEffect, createMemo, createSignal, on, type Accessor } from "solid-js";

import { findAll, type Find, type Line } from "./lines";

export interface Finder {
  text: Accessor<string>;
  setText: (text: string) => void;
  finds: Accessor<Find[]>;
  /** The find that is looked at, as a place in `finds`; -1: none. */
  place: Accessor<number>;
  /** The moments of the lines that hold one, in seconds. */
  moments: Accessor<number[]>;
  /** Looks at the next find, or at the one before by -1; round and round. */
  step: (by: 1 | -1) => void;
}

export function createFinder(lines: Accessor<Line[]>): Finder {
  const [text, setText] = createSignal("");
  const [place, setPlace] = createSignal(-1);
  const finds = createMemo(() => findAll(lines(), text()));
  const moments = createMemo(() => [...new Set(finds().map((find) => lines()[find.line]?.start ?? 0))]);
  createEffect(on(text, () => setPlace(finds().length > 0 ? 0 : -1), { defer: true }));
  const step = (by: 1 | -1) => {
    const count = finds().length;
    if (count > 0) setPlace((now) => (now + by + count) % count);
  };
  return { text, setText, finds, place, moments, step };
}
