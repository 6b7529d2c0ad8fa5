// How the mesh is, and how it goes with the reader's own jobs.

import type { JSX } from "solid-js";

import { AtWork } from "../system/at-work";
import { Failures } from "../system/failures";
import { Letters } from "../system/letters";
import { Models } from "../system/models";
import { Queue } from "../system/queue";
import { Services } from "../system/services";

export function System(): JSX.Element {
  return (
    <div class="page wide system">
      <h1>System</h1>
      <Services />
      <section aria-labelledby="queue">
        <h2 id="queue" class="section-title">
          Your queue
        </h2>
        <Queue />
      </section>
      <section aria-labelledby="at-work">
        <h2 id="at-work" class="section-title">
          At work
        </h2>
        <AtWork />
      </section>
      <section aria-labelledby="failures">
        <Failures />
      </section>
      <section aria-labelledby="letters">
        <Letters />
      </section>
      <section aria-labelledby="models">
        <h2 id="models" class="section-title">
          Recognisers
        </h2>
        <Models />
      </section>
    </div>
  );
}
