// A job: its title, a line for each stage, the words heard last, and what can be done about it.

import { A } from "@solidjs/router";
import { createMemo, For, Show, type JSX } from "solid-js";
import { JobState, Stage, StageState } from "@vidmesh/client";

import { ago, clock, rate, shortLink, span } from "../format";
import { asProblem, mesh } from "../mesh";
import { Icon, type IconName } from "../parts/icon";
import { toast } from "../parts/toast";
import { isOver, type JobView, type StageView } from "./job-view";
import { putJob } from "./jobs";

export const NAMES: Partial<Record<Stage, string>> = {
  [Stage.INGEST]: "Fetch",
  [Stage.TRANSCRIBE]: "Transcribe",
  [Stage.SUMMARIZE]: "Summarise",
  [Stage.INDEX]: "Index",
};

const STATES: Record<JobState, { label: string; tone: string }> = {
  [JobState.UNSPECIFIED]: { label: "Unknown", tone: "" },
  [JobState.QUEUED]: { label: "Waiting", tone: "" },
  [JobState.RUNNING]: { label: "At work", tone: "live" },
  [JobState.SUCCEEDED]: { label: "Done", tone: "good" },
  [JobState.PARTIAL]: { label: "Done in part", tone: "warn" },
  [JobState.FAILED]: { label: "Failed", tone: "bad" },
  [JobState.CANCELLED]: { label: "Cancelled", tone: "" },
};

const MARKS: Partial<Record<StageState, { icon: IconName; tone: string; word: string }>> = {
  [StageState.SUCCEEDED]: { icon: "check", tone: "good", word: "done" },
  [StageState.FAILED]: { icon: "warn", tone: "bad", word: "failed" },
  [StageState.CANCELLED]: { icon: "stop", tone: "", word: "cancelled" },
};

export function JobCard(props: { job: JobView }): JSX.Element {
  const over = () => isOver(props.job);
  const state = () => STATES[props.job.state];
  /** For screen readers, a quarter of a stage at a time. */
  const spoken = createMemo(() => {
    if (over()) return `${props.job.title}: ${state().label}`;
    const stage = props.job.stages.find((one) => one.state === StageState.RUNNING);
    if (stage === undefined) return "";
    const quarter = stage.total > 0 ? Math.floor((stage.done / stage.total) * 4) * 25 : 0;
    return `${props.job.title}: ${NAMES[stage.stage] ?? ""}${quarter > 0 ? `, ${quarter} percent` : ""}`;
  });
  const readable = () =>
    props.job.stages.some((one) => one.stage === Stage.TRANSCRIBE && one.state !== StageState.WAITING);
  return (
    <article class="card job" data-job={props.job.id} aria-labelledby={`job-${props.job.id}`}>
      <header class="job-head">
        <h3 id={`job-${props.job.id}`} dir="auto" title={props.job.title}>
          <Show when={readable()} fallback={props.job.title || "A new video"}>
            <A href={`/watch/${props.job.videoId}`}>{props.job.title}</A>
          </Show>
        </h3>
        <span class={`badge ${state().tone}`}>{state().label}</span>
      </header>
      <p class="faint job-meta">
        <Show when={props.job.duration > 0}>
          <span>{clock(props.job.duration)}</span>
        </Show>
        <Show when={!props.job.source.startsWith("upload:")} fallback={<span>Upload</span>}>
          <span class="ellipsis">{shortLink(props.job.source)}</span>
        </Show>
        <span>{ago(new Date(props.job.createdAt))}</span>
      </p>
      <Show when={!over() || props.job.state !== JobState.SUCCEEDED}>
        <ul class="stages">
          <For each={props.job.stages}>{(stage) => <StageLine stage={stage} />}</For>
        </ul>
      </Show>
      <Show when={!over() && props.job.words}>
        <p class="job-words" dir="auto">
          {props.job.words}
        </p>
      </Show>
      <Show when={props.job.failure}>
        {(failure) => (
          <div class="note bad">
            <Icon name="warn" />
            <p>
              <strong>{failure().message}</strong> {failure().advice}
            </p>
          </div>
        )}
      </Show>
      <For each={props.job.notices}>{(notice) => <p class="note">{notice}</p>}</For>
      <JobActions job={props.job} />
      <p class="hidden" role="status">
        {spoken()}
      </p>
    </article>
  );
}

function StageLine(props: { stage: StageView }): JSX.Element {
  const part = () => (props.stage.total > 0 ? Math.min(1, props.stage.done / props.stage.total) : undefined);
  const mark = () => MARKS[props.stage.state];
  const running = () => props.stage.state === StageState.RUNNING;
  const name = () => NAMES[props.stage.stage] ?? "";
  const figures = createMemo(() => {
    if (!running()) return mark()?.word ?? "waiting";
    const known = part();
    const left = props.stage.remaining;
    return [
      known === undefined ? props.stage.activity || "at work" : `${Math.floor(known * 100)} %`,
      rate(props.stage.unit, props.stage.rate),
      left === undefined || left < 1 ? "" : `${span(left)} left`,
    ]
      .filter(Boolean)
      .join(" · ");
  });
  return (
    <li class="stage" classList={{ running: running() }}>
      <span class={`stage-mark ${mark()?.tone ?? ""}`}>
        <Show when={mark()} fallback={<span class="dot" />}>
          {(found) => <Icon name={found().icon} />}
        </Show>
      </span>
      <span class="stage-name">{name()}</span>
      <span
        class="bar"
        classList={{ unknown: running() && part() === undefined }}
        role="progressbar"
        aria-label={name()}
        aria-valuenow={
          running() ? part() && Math.floor((part() ?? 0) * 100) : mark()?.tone === "good" ? 100 : 0
        }
        aria-valuetext={figures()}
      >
        <span
          class="bar-fill"
          style={{ transform: `scaleX(${props.stage.state === StageState.SUCCEEDED ? 1 : (part() ?? 0)})` }}
        />
      </span>
      <span class="stage-figures" title={figures()}>
        {figures()}
      </span>
    </li>
  );
}

function JobActions(props: { job: JobView }): JSX.Element {
  const act = async (work: () => Promise<{ job?: Parameters<typeof putJob>[0] }>, said: string) => {
    try {
      const { job } = await work();
      if (job !== undefined) putJob(job);
      toast(said);
    } catch (thrown) {
      const error = asProblem(thrown);
      toast(`${error.message} ${error.advice}`);
    }
  };
  const retryable = () => isOver(props.job) && props.job.state !== JobState.SUCCEEDED;
  return (
    <Show when={!isOver(props.job) || retryable()}>
      <footer class="job-actions">
        <Show when={!isOver(props.job)}>
          <button
            class="button quiet"
            onClick={() =>
              void act(
                () => mesh.ingest.cancelJob({ jobId: props.job.id }),
                "The job is cancelled. What it made stays.",
              )
            }
          >
            <Icon name="stop" /> Cancel
          </button>
        </Show>
        <Show when={retryable()}>
          <button
            class="button quiet"
            onClick={() =>
              void act(
                () => mesh.ingest.retryJob({ jobId: props.job.id }),
                "The job goes on where it stopped.",
              )
            }
          >
            <Icon name="retry" /> Retry
          </button>
        </Show>
      </footer>
    </Show>
  );
}
