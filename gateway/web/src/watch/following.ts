// Whether the transcript keeps what is spoken in view: until the reader goes elsewhere in it, and again when they steer the player.

import { createSignal, type Accessor } from "solid-js";

export interface Following {
  on: Accessor<boolean>;
  leave: () => void;
  resume: () => void;
}

export function createFollowing(): Following {
  const [on, setOn] = createSignal(true);
  return { on, leave: () => setOn(false), resume: () => setOn(true) };
}
