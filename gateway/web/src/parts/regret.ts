// What is done only when nobody has taken it back for a while.

import { toast } from "./toast";

/** Milliseconds in which it can be taken back. */
const REGRET = 6000;

/** Says that something is done, with an undo beside it, and does it once that time is over. */
export function regret(said: string, act: () => void, undo: () => void): void {
  const timer = setTimeout(() => {
    close();
    act();
  }, REGRET);
  const close = toast(said, {
    label: "Undo",
    run: () => {
      clearTimeout(timer);
      undo();
    },
  });
}
