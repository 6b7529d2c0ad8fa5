// What stands in the place of figures that could not be read. They are read again by themselves.

import type { JSX } from "solid-js";
import type { VidmeshError } from "@vidmesh/client";

import { Icon } from "../parts/icon";

export function Unread(props: { error: VidmeshError }): JSX.Element {
  return (
    <div class="note bad" role="alert">
      <Icon name="warn" />
      <p>
        <strong>{props.error.message}</strong> {props.error.advice}
      </p>
    </div>
  );
}
