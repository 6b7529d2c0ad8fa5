// What is worked on this moment: each running stage of each job, as its events tell it.

import { A } from "@solidjs/router";
import { createMemo, For, Show, type JSX } from "solid-js";
import { StageState } from "@vidmesh/client";

import { figuresOf, NAMES } from "../jobs/job-card";
import { isOver } from "../jobs/job-view";
import { connected, jobs, loaded, problem } from "../jobs/jobs";
import { Waiting } from "../parts/states";
import { Unread } from "./unread";

const SHOWN = 50;

export function AtWork(): JSX.Element {
  const work = createMemo(() =>
    jobs.list
      .filter((job) => !isOver(job))
      .flatMap((job) =>
        job.stages.filter((one) => one.state === StageState.RUNNING).map((stage) => ({ job, stage })),
      ),
  );
  return (
    <Show when={work().length > 0} fallback={<None />}>
      <div class="card table">
        <table>
          <thead>
            <tr>
              <th scope="col">Video</th>
              <th scope="col">Stage</th>
              <th scope="col">Progress</th>
            </tr>
          </thead>
          <tbody>
            <For each={work().slice(0, SHOWN)}>
              {({ job, stage }) => (
                <tr>
                  <th scope="row" class="break" dir="auto">
                    <A href={`/watch/${job.videoId}`}>{job.title}</A>
                  </th>
                  <td>{NAMES[stage.stage]}</td>
                  <td>{figuresOf(stage, false)}</td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
      </div>
    </Show>
  );
}

function None(): JSX.Element {
  return (
    <Show
      when={loaded()}
      fallback={
        <Show when={problem()} fallback={<Waiting lines={2} label="Looking at the work" />}>
          {(error) => <Unread error={error()} />}
        </Show>
      }
    >
      <p class="faint">
        {connected() ? "Nothing is worked on." : "Nothing was worked on when the connection was lost."}
      </p>
    </Show>
  );
}
