// What is read again and again while the page is in sight.

import { createSignal, onCleanup, type Accessor } from "solid-js";
import { createStore, reconcile } from "solid-js/store";
import type { VidmeshError } from "@vidmesh/client";

import { asProblem } from "../mesh";

export interface Polled<T> {
  /** What was read last; it stays where a reading fails. Of things with an id those that stay are the same ones as before. */
  value: Accessor<T | undefined>;
  /** When that was, in milliseconds since 1970. */
  at: Accessor<number>;
  /** Why the last reading failed. */
  problem: Accessor<VidmeshError | undefined>;
  again: () => Promise<void>;
}

/** Milliseconds between two readings. */
const PAUSE = 5000;

export function polled<T>(read: (signal: AbortSignal) => Promise<T>): Polled<T> {
  const [held, setHeld] = createStore<{ value: T | undefined }>({ value: undefined });
  const [at, setAt] = createSignal(Date.now());
  const [problem, setProblem] = createSignal<VidmeshError>();
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const again = async (): Promise<void> => {
    clearTimeout(timer);
    try {
      const now = await read(stop.signal);
      setHeld(reconcile<{ value: T | undefined }, { value: T | undefined }>({ value: now }));
      setAt(Date.now());
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
  return { value: () => held.value, at, problem, again };
}
