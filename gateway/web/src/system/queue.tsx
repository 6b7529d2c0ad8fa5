// How much waits, for how long, and what is worked on.

import { createMemo, For, Show, type JSX } from "solid-js";
import { JobState, StageState, type Stage } from "@vidmesh/client";

import { rate, span } from "../format";
import { NAMES } from "../jobs/job-card";
import { isOver } from "../jobs/job-view";
import { jobs } from "../jobs/jobs";
import { mesh } from "../mesh";
import { Waiting } from "../parts/states";
import { polled } from "./polled";
import { queueOf } from "./queue-of";
import { Unread } from "./unread";

/** Jobs that are counted; more are told as such. */
const COUNTED = 200;

export function Queue(): JSX.Element {
  const open = polled(async (signal) => {
    const states = [JobState.QUEUED, JobState.RUNNING];
    return mesh.ingest.listJobs({ states, pageSize: COUNTED }, { signal });
  });
  const queue = createMemo(() => queueOf(open.value()?.jobs ?? []));
  const more = () => ((open.value()?.nextPageToken ?? "") === "" ? "" : "+");
  const wait = (since: Date | undefined) =>
    since === undefined ? "–" : span((open.at() - since.getTime()) / 1000);
  const pace = (stage: Stage) => {
    const rates = jobs.list
      .filter((job) => !isOver(job))
      .flatMap((job) => job.stages.filter((one) => one.stage === stage && one.state === StageState.RUNNING));
    const unit = rates[0]?.unit ?? "";
    return rate(
      unit,
      rates.filter((one) => one.unit === unit).reduce((sum, one) => sum + one.rate, 0),
    );
  };
  return (
    <Show
      when={open.value()}
      fallback={
        <Show when={open.problem()} fallback={<Waiting lines={4} label="Counting the queue" />}>
          {(error) => <Unread error={error()} />}
        </Show>
      }
    >
      <dl class="figures">
        <div class="card">
          <dt>Waiting</dt>
          <dd>
            {queue().waiting}
            {more()}
          </dd>
        </div>
        <div class="card">
          <dt>At work</dt>
          <dd>
            {queue().running}
            {more()}
          </dd>
        </div>
      </dl>
      <div class="card table">
        <table>
          <thead>
            <tr>
              <th scope="col">Stage</th>
              <th scope="col">At work</th>
              <th scope="col">Waiting</th>
              <th scope="col">Longest wait</th>
              <th scope="col">Pace</th>
            </tr>
          </thead>
          <tbody>
            <For each={queue().stages}>
              {(one) => (
                <tr>
                  <th scope="row">{NAMES[one.stage]}</th>
                  <td>{one.running}</td>
                  <td>{one.waiting}</td>
                  <td>{wait(one.oldest)}</td>
                  <td>{pace(one.stage) || "–"}</td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
      </div>
    </Show>
  );
}
