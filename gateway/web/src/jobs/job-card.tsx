// A job: its title, a line for each stage, the words heard last, and what can be done about it.

import { A } from "@solidjs/router";
import { createMemo, For, onCleanup, onMount, Show, type JSX } from "solid-js";
import { JobState, Stage, StageState, type Job } from "@vidmesh/client";

import { ago, length, rate, shortLink, span } from "../format";
import { mesh } from "../mesh";
import { Icon, type IconName } from "../parts/icon";
import { toast } from "../parts/toast";
import { tellTrouble } from "../parts/trouble";
import { isOver, type JobView, type StageView } from "./job-view";
import { enlisted } from "./jobs";
import { isReadable, remove } from "./removal";

export const NAMES: Partial<Record<Stage, string>> = {
  [Stage.INGEST]: "Fetch",
  [Stage.TRANSCRIBE]: "Transcribe",
  [Stage.SUMMARIZE]: "Summarise",
  [Stage.INDEX]: "Index",
};

export const STATES: Record<JobState, { label: string; tone: string }> = {
  [JobState.UNSPECIFIED]: { label: "Unknown", tone: "" },
  [JobState.QUEUED]: { label: "Waiting", tone: "" },
  [JobState.RUNNING]: { label: "At work", tone: "live" },
  [JobState.SUCCEEDED]: { label: "Done", tone: "good" },
  [JobState.PARTIAL]: { label: "Done in part", tone: "warn" },
  [JobState.FAILED]: { label: "Failed", tone: "bad" },
  [JobState.CANCELLED]: { label: "Cancelled", tone: "" },
};

/** What a stage is for. */
const PURPOSES: Partial<Record<Stage, string>> = {
  [Stage.INGEST]: "Gets the video and its sound",
  [Stage.TRANSCRIBE]: "Turns what is said into text",
  [Stage.SUMMARIZE]: "Writes the summary and the chapters",
  [Stage.INDEX]: "Makes it found by search and questions",
};
/** An activity longer than this gets a line of its own: what a stage waits for, above all. */
const BRIEF = 24;

const MARKS: Partial<Record<StageState, { icon: IconName; tone: string; word: string }>> = {
  [StageState.SUCCEEDED]: { icon: "check", tone: "good", word: "done" },
  [StageState.FAILED]: { icon: "warn", tone: "bad", word: "failed" },
  [StageState.CANCELLED]: { icon: "stop", tone: "", word: "cancelled" },
};

/** The job whose card was taken away with the keyboard's place in it: a card that moves is made anew elsewhere. */
let left: string | undefined;

export function JobCard(props: { job: JobView }): JSX.Element {
  let card!: HTMLElement;
  const { id } = props.job;
  onMount(() => {
    if (left !== id) return;
    left = undefined;
    card.querySelector<HTMLElement>(".job-actions button")?.focus();
  });
  onCleanup(() => {
    if (!card.contains(document.activeElement)) return;
    left = id;
    // What moves is there again at once; a page that is left is not.
    setTimeout(() => (left = undefined));
  });
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
  const readable = () => isReadable(props.job);
  return (
    <article ref={card} class="card job" data-job={props.job.id} aria-labelledby={`job-${props.job.id}`}>
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
          <span>{length(props.job.duration)}</span>
        </Show>
        <Show when={!props.job.source.startsWith("upload:")} fallback={<span>Upload</span>}>
          <span class="ellipsis">{shortLink(props.job.source)}</span>
        </Show>
        <span>{ago(new Date(props.job.createdAt))}</span>
      </p>
      <Show when={!over() || props.job.state !== JobState.SUCCEEDED}>
        <ul class="stages">
          <For each={props.job.stages}>{(stage) => <StageLine stage={stage} over={over()} />}</For>
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
      <Show when={props.job.state !== JobState.SUCCEEDED}>
        <For each={props.job.notices}>{(notice) => <p class="note">{notice}</p>}</For>
      </Show>
      <JobActions job={props.job} readable={readable()} />
      <p class="hidden" role="status">
        {spoken()}
      </p>
    </article>
  );
}

const partOf = (stage: StageView) => (stage.total > 0 ? Math.min(1, stage.done / stage.total) : undefined);

/** How far a stage has come, in a few words. */
export function figuresOf(stage: StageView, over: boolean): string {
  if (stage.state !== StageState.RUNNING) return MARKS[stage.state]?.word ?? (over ? "not begun" : "waiting");
  const known = partOf(stage);
  const brief = stage.activity.length <= BRIEF ? stage.activity : "";
  const left = stage.remaining;
  return [
    known === undefined ? brief || "at work" : `${Math.floor(known * 100)} %`,
    left === undefined || left < 1 ? "" : `${span(left)} left`,
    rate(stage.unit, stage.rate),
  ]
    .filter(Boolean)
    .join(" · ");
}

function StageLine(props: { stage: StageView; over: boolean }): JSX.Element {
  const part = () => partOf(props.stage);
  const mark = () => MARKS[props.stage.state];
  const running = () => props.stage.state === StageState.RUNNING;
  const name = () => NAMES[props.stage.stage] ?? "";
  const figures = createMemo(() => figuresOf(props.stage, props.over));
  const long = () => running() && props.stage.activity.length > BRIEF && props.stage.activity;
  return (
    <li class="stage" classList={{ running: running() }}>
      <span class={`stage-mark ${mark()?.tone ?? ""}`}>
        <Show when={mark()} fallback={<span class="dot" />}>
          {(found) => <Icon name={found().icon} />}
        </Show>
      </span>
      <span class="stage-name" title={PURPOSES[props.stage.stage]}>
        {name()}
      </span>
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
      <Show when={long()}>{(activity) => <span class="stage-activity break">{activity()}</span>}</Show>
    </li>
  );
}

function JobActions(props: { job: JobView; readable: boolean }): JSX.Element {
  const act = async (work: () => Promise<{ job?: Job }>, said: string) => {
    try {
      await enlisted(work());
      toast(said);
      keepPlace();
    } catch (thrown) {
      tellTrouble(thrown);
    }
  };
  // The button that was pressed goes, and its card may be made anew elsewhere: the keyboard's place is on what there is now.
  const keepPlace = () => {
    if (document.activeElement !== null && document.activeElement !== document.body) return;
    document.querySelector<HTMLElement>(`[data-job="${props.job.id}"] .job-actions button`)?.focus();
  };
  const retryable = () => isOver(props.job) && props.job.state !== JobState.SUCCEEDED;
  return (
    <Show when={!isOver(props.job) || retryable() || props.readable}>
      <footer class="job-actions">
        <Show when={props.readable}>
          <A
            class="button quiet"
            href={`/watch/${props.job.videoId}`}
            aria-label={`Open “${props.job.title}”`}
          >
            <Icon name="play" /> Open
          </A>
        </Show>
        <Show when={!isOver(props.job)}>
          <button
            class="button quiet"
            aria-label={`Cancel “${props.job.title}”`}
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
            aria-label={`Retry “${props.job.title}”`}
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
        <Show when={retryable() && !props.readable}>
          <button
            class="button quiet"
            aria-label={`Remove “${props.job.title}”`}
            onClick={() => remove([props.job])}
          >
            <Icon name="trash" /> Remove
          </button>
        </Show>
      </footer>
    </Show>
  );
}
