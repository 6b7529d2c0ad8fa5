// A job as a line of the page, and how each event changes it. Pure: no signals, no clock.

import {
  JobOutcome,
  JobState,
  Stage,
  StageState,
  toDate,
  toSeconds,
  type Failure,
  type Job,
  type JobEvent,
  type WatchMessage,
} from "@vidmesh/client";

export interface FailureView {
  message: string;
  advice: string;
}

export interface StageView {
  stage: Stage;
  state: StageState;
  /** How much is done of how much, in `unit`; a total of 0 where nobody knows. */
  done: number;
  total: number;
  unit: string;
  rate: number;
  /** Seconds. */
  remaining: number | undefined;
  activity: string;
  failure: FailureView | undefined;
}

export interface JobView {
  id: string;
  videoId: string;
  title: string;
  source: string;
  state: JobState;
  stages: StageView[];
  /** The words heard last. */
  words: string;
  notices: string[];
  failure: FailureView | undefined;
  /** Seconds; 0 until it is known. */
  duration: number;
  /** Milliseconds since 1970. */
  createdAt: number;
}

export const STAGES = [Stage.INGEST, Stage.TRANSCRIBE, Stage.SUMMARIZE, Stage.INDEX] as const;

const WORDS = 220;

const ENDED = new Set([JobState.SUCCEEDED, JobState.PARTIAL, JobState.FAILED, JobState.CANCELLED]);

export const isOver = (job: JobView): boolean => ENDED.has(job.state);

export function stageView(stage: Stage, state = StageState.WAITING): StageView {
  return {
    stage,
    state,
    done: 0,
    total: 0,
    unit: "",
    rate: 0,
    remaining: undefined,
    activity: "",
    failure: undefined,
  };
}

/** A job as the API gives it; what only events tell is taken over from `before`. */
export function fromJob(job: Job, before?: JobView): JobView {
  const told = new Map(job.stages.map((stage) => [stage.stage, stage]));
  const stages = STAGES.map((stage) => {
    const now = told.get(stage);
    const known = before?.stages.find((one) => one.stage === stage) ?? stageView(stage);
    return { ...known, state: now?.state ?? StageState.WAITING, failure: failureView(now?.failure) };
  });
  return {
    id: job.id,
    videoId: job.videoId,
    title: job.title,
    source: job.source,
    state: job.state,
    stages,
    words: before?.words ?? "",
    notices: job.notices,
    failure: failureView(job.failure),
    duration: toSeconds(job.duration),
    createdAt: toDate(job.createdAt)?.getTime() ?? 0,
  };
}

/** A job that an event is the first word of. */
export function unknownJob(event: JobEvent): JobView {
  return {
    id: event.jobId,
    videoId: "",
    title: "",
    source: "",
    state: JobState.QUEUED,
    stages: STAGES.map((stage) => stageView(stage)),
    words: "",
    notices: [],
    failure: undefined,
    duration: 0,
    createdAt: toDate(event.time)?.getTime() ?? 0,
  };
}

/** The job after an event. The one given stays as it is. */
export function advance(job: JobView, { event }: JobEvent): JobView {
  switch (event.case) {
    case "jobAccepted":
      return {
        ...job,
        videoId: event.value.videoId,
        source: event.value.source,
        title: event.value.title || event.value.source,
      };
    case "sourceOpened":
      return running(
        { ...job, title: event.value.title, duration: toSeconds(event.value.duration) || job.duration },
        Stage.INGEST,
      );
    case "sourceIngested":
      return done(
        { ...job, duration: toSeconds(event.value.duration), notices: noted(job, event.value.warning) },
        Stage.INGEST,
      );
    case "transcriptStarted":
      return running({ ...job, notices: noted(job, event.value.notice) }, Stage.TRANSCRIBE);
    case "segmentHeard":
      return running(heard(job, [event.value.segment?.text ?? ""]), Stage.TRANSCRIBE);
    case "windowTranscribed":
      return running(
        heard(
          job,
          event.value.segments.map((one) => one.text),
        ),
        Stage.TRANSCRIBE,
        {
          done: toSeconds(event.value.end),
          total: job.duration,
          unit: "seconds",
        },
      );
    case "transcriptCompleted":
      return done(job, Stage.TRANSCRIBE);
    case "sectionSummarized":
    case "summaryDelta":
    case "summaryCompleted":
      return running(job, Stage.SUMMARIZE);
    case "chaptersCompleted":
      return done(job, Stage.SUMMARIZE);
    case "passagesIndexed":
      return running(job, Stage.INDEX, {
        done: toSeconds(event.value.through),
        total: job.duration,
        unit: "seconds",
      });
    case "indexCompleted":
      return done(job, Stage.INDEX);
    case "stageProgress": {
      const { stage, done, total, unit, rate, remaining, activity } = event.value;
      const left = remaining && toSeconds(remaining);
      return running(job, stage, { done, total, unit, rate, remaining: left, activity });
    }
    case "stageFailed":
      return changed(job, event.value.stage, {
        state: StageState.FAILED,
        failure: failureView(event.value.failure),
      });
    case "jobCancelled":
      return { ...stopped(job, StageState.CANCELLED), state: JobState.CANCELLED };
    case "jobRetried":
      return {
        ...job,
        state: JobState.RUNNING,
        failure: undefined,
        stages: job.stages.map((one) => (one.state === StageState.SUCCEEDED ? one : stageView(one.stage))),
      };
    case "jobEnded":
      return {
        ...job,
        state: OUTCOMES[event.value.outcome],
        failure: failureView(event.value.failure),
      };
    default:
      return job;
  }
}

/** The jobs after what a watch told of them, the new ones first. */
export function told(list: readonly JobView[], messages: readonly WatchMessage[]): JobView[] {
  const touched = new Map<string, JobView | undefined>();
  const find = (id: string) => (touched.has(id) ? touched.get(id) : list.find((job) => job.id === id));
  for (const { case: kind, value } of messages) {
    if (kind === "snapshot") {
      if (value.job !== undefined) touched.set(value.job.id, fromJob(value.job, find(value.job.id)));
    } else if (value.event.case === "videoDeleted") {
      const { videoId } = value.event.value;
      for (const job of [...list, ...touched.values()])
        if (job?.videoId === videoId) touched.set(job.id, undefined);
    } else {
      touched.set(value.jobId, advance(find(value.jobId) ?? unknownJob(value), value));
    }
  }
  const known = new Set(list.map((job) => job.id));
  const isThere = (job: JobView | undefined): job is JobView => job !== undefined;
  const born = [...touched.values()].filter(isThere).filter((job) => !known.has(job.id));
  return [...born.reverse(), ...list.map((job) => find(job.id)).filter(isThere)];
}

/** The job with its text known to reach to a time, unless an event has told more. In seconds. */
export function heardThrough(job: JobView, through: number, duration: number): JobView {
  const stage = job.stages.find((one) => one.stage === Stage.TRANSCRIBE);
  if (stage === undefined || stage.done >= through) return job;
  const total = job.duration || duration;
  return running({ ...job, duration: total }, Stage.TRANSCRIBE, { done: through, total, unit: "seconds" });
}

const OUTCOMES: Record<JobOutcome, JobState> = {
  [JobOutcome.UNSPECIFIED]: JobState.UNSPECIFIED,
  [JobOutcome.SUCCEEDED]: JobState.SUCCEEDED,
  [JobOutcome.PARTIAL]: JobState.PARTIAL,
  [JobOutcome.FAILED]: JobState.FAILED,
  [JobOutcome.CANCELLED]: JobState.CANCELLED,
};

const CLOSED = new Set([StageState.SUCCEEDED, StageState.FAILED, StageState.CANCELLED]);

/** A sign of work; one that comes late, after the stage's end, changes nothing. */
function running(job: JobView, stage: Stage, change: Partial<StageView> = {}): JobView {
  const now = job.stages.find((one) => one.stage === stage);
  if (isOver(job) || now === undefined || CLOSED.has(now.state)) return job;
  return changed({ ...job, state: JobState.RUNNING }, stage, { ...change, state: StageState.RUNNING });
}

function done(job: JobView, stage: Stage): JobView {
  return changed(job, stage, {
    state: StageState.SUCCEEDED,
    remaining: undefined,
    activity: "",
    failure: undefined,
  });
}

function stopped(job: JobView, state: StageState): JobView {
  return { ...job, stages: job.stages.map((one) => (CLOSED.has(one.state) ? one : { ...one, state })) };
}

function changed(job: JobView, stage: Stage, change: Partial<StageView>): JobView {
  return { ...job, stages: job.stages.map((one) => (one.stage === stage ? { ...one, ...change } : one)) };
}

function heard(job: JobView, texts: string[]): JobView {
  const words = texts.join(" ").trim();
  return words === "" ? job : { ...job, words: words.slice(-WORDS) };
}

function noted(job: JobView, notice: string): string[] {
  return notice === "" || job.notices.includes(notice) ? job.notices : [...job.notices, notice];
}

function failureView(failure: Failure | undefined): FailureView | undefined {
  return failure && { message: failure.message, advice: failure.advice };
}
