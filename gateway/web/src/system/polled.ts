// What is read again and again while the page is in sight.

import { createSignal, onCleanup, type Accessor } from "solid-js";
import type { VidmeshError } from "@vidmesh/client";

import { asProblem } from "../mesh";

export interface Polled<T> {
  /** What was read last; it stays where a reading fails. */
  value: Accessor<T | undefined>;
  /** Why the last reading failed. */
  problem: Accessor<VidmeshError | undefined>;
  again: () => Promise<void>;
}

/** Milliseconds between two readings. */
const PAUSE = 5000;

export function polled<T>(read: (signal: AbortSignal) => Promise<T>): Polled<T> {
  const [value, setValue] = createSignal<T>();
  const [problem, setProblem] = createSignal<VidmeshError>();
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const again = async (): Promise<void> => {
    clearTimeout(timer);
    try {
      const now = await read(stop.signal);
      setValue(() => now);
      setProblem(undefined);
    } catch (thrown) {
      const error = asProblem(thrown);
      if (!error.aborted) setProblem(error);
    }
    clearTimeout(timer);
    if (!stop.signal.aborted) timer = setTimeout(look, PAUSE);
  };
  const look = (): void => {
    if (document.hidden) timer = setTimeout(look, PAUSE);
    else void again();
  };
  onCleanup(() => {
    clearTimeout(timer);
    stop.abort();
  });
  void again();
  return { value, problem, again };
}
