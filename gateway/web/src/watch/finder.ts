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
  /** Goes to the next find, or to the one before by -1; round and round. The first step from a new text is to its first find. */
  step: (by: 1 | -1) => void;
}

export function createFinder(lines: Accessor<Line[]>): Finder {
  const [text, setText] = createSignal("");
  // Gone to once more, the same place is shown once more.
  const [place, setPlace] = createSignal(-1, { equals: false });
  /** Whether the reader went to a find, besides being shown the first one. */
  let gone = false;
  const finds = createMemo(() => findAll(lines(), text()));
  const moments = createMemo(() => [...new Set(finds().map((find) => lines()[find.line]?.start ?? 0))]);
  createEffect(
    on(
      text,
      () => {
        gone = false;
        setPlace(finds().length > 0 ? 0 : -1);
      },
      { defer: true },
    ),
  );
  const step = (by: 1 | -1) => {
    const count = finds().length;
    if (count === 0) return;
    setPlace((now) => (gone || by < 0 ? (now + by + count) % count : Math.max(0, now)));
    gone = true;
  };
  return { text, setText, finds, place, moments, step };
}
