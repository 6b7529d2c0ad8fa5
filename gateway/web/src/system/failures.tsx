// Jobs that came to nothing, or not to all: why, and another try for one or all of them.

import { A } from "@solidjs/router";
import { createSignal, For, Show, type JSX } from "solid-js";
import { JobState, toDate, type Job } from "@vidmesh/client";

import { ago, plural } from "../format";
import { isOver } from "../jobs/job-view";
import { enlisted, jobs } from "../jobs/jobs";
import { isLeaving, isReadable, remove } from "../jobs/removal";
import { mesh } from "../mesh";
import { Icon } from "../parts/icon";
import { Waiting } from "../parts/states";
import { toast } from "../parts/toast";
import { tellTrouble } from "../parts/trouble";
import { polled } from "./polled";
import { Unread } from "./unread";

const SHOWN = 50;

export function Failures(): JSX.Element {
  const [busy, setBusy] = createSignal(false);
  const failed = polled(async (signal) => {
    const states = [JobState.FAILED, JobState.PARTIAL];
    return mesh.ingest.listJobs({ states, pageSize: SHOWN }, { signal });
  });
  // What was taken up again, here or by a dead letter, is told by the stream before it is read again.
  const isAtWork = (id: string) => jobs.list.some((job) => job.id === id && !isOver(job));
  const list = () => (failed.value()?.jobs ?? []).filter(({ id }) => !isAtWork(id) && !isLeaving(id));
  const empty = () => list().filter((job) => !isReadable(job));
  const named = (job: Job) => ({ id: job.id, videoId: job.videoId, title: job.title || job.source });
  let heading: HTMLHeadingElement | undefined;
  const retry = async (wanted: Job[]) => {
    setBusy(true);
    let begun = 0;
    for (const { id } of wanted) {
      try {
        await enlisted(mesh.ingest.retryJob({ jobId: id }));
        begun += 1;
      } catch (thrown) {
        tellTrouble(thrown);
      }
    }
    if (begun > 0) toast(`${plural(begun, "job")} taken up again.`);
    await failed.again();
    setBusy(false);
    // The button that was pressed goes with its job, and the keyboard's place with it.
    if (document.activeElement === null || document.activeElement === document.body) heading?.focus();
  };
  return (
    <>
      <div class="title-row">
        <h2 id="failures" class="section-title" tabindex="-1" ref={(element) => (heading = element)}>
          Failed{" "}
          <Show when={failed.value()}>
            <span class="count">{list().length}</span>
          </Show>
        </h2>
        <Show when={list().length > 1}>
          <div class="actions">
            <button class="button quiet" disabled={busy()} onClick={() => void retry(list())}>
              <Icon name="retry" /> Retry all
            </button>
            <Show when={empty().length > 1}>
              <button
                class="button quiet"
                disabled={busy()}
                title="Those of which nothing was had"
                onClick={() => remove(empty().map(named))}
              >
                <Icon name="trash" /> Remove all
              </button>
            </Show>
          </div>
        </Show>
      </div>
      <Show
        when={failed.value()}
        fallback={
          <Show when={failed.problem()} fallback={<Waiting lines={3} label="Looking for failed jobs" />}>
            {(error) => <Unread error={error()} />}
          </Show>
        }
      >
        <Show when={list().length > 0} fallback={<p class="faint">Nothing has failed.</p>}>
          <ul class="card rows">
            <For each={list()}>
              {(job) => (
                <li class="failed">
                  <div class="failed-text">
                    <A href={`/watch/${job.videoId}`} dir="auto" class="break">
                      {job.title || job.source}
                    </A>
                    <p class="small">
                      {job.failure?.message ?? job.stages.find((one) => one.failure)?.failure?.message}
                    </p>
                    <p class="faint small">
                      <Show when={toDate(job.createdAt)}>{(date) => ago(date(), failed.at())}</Show>
                    </p>
                  </div>
                  <div class="actions">
                    <button
                      class="button quiet"
                      disabled={busy()}
                      aria-label={`Retry “${job.title || job.source}”`}
                      onClick={() => void retry([job])}
                    >
                      <Icon name="retry" /> Retry
                    </button>
                    <Show when={!isReadable(job)}>
                      <button
                        class="button quiet"
                        disabled={busy()}
                        aria-label={`Remove “${job.title || job.source}”`}
                        onClick={() => remove([named(job)])}
                      >
                        <Icon name="trash" /> Remove
                      </button>
                    </Show>
                  </div>
                </li>
              )}
            </For>
          </ul>
        </Show>
      </Show>
    </>
  );
}
