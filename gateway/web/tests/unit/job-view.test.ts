import {
  create,
  JobEventSchema,
  JobOutcome,
  JobSchema,
  JobState,
  Stage,
  StageState,
  type JobEvent,
  type MessageInitShape,
} from "@vidmesh/client";
import { expect, test } from "vitest";

import {
  advance,
  fromJob,
  heardThrough,
  isOver,
  told,
  unknownJob,
  type JobView,
} from "../../src/jobs/job-view";

const event = (one: MessageInitShape<typeof JobEventSchema>["event"]): JobEvent =>
  create(JobEventSchema, { jobId: "j", event: one });

const after = (...events: MessageInitShape<typeof JobEventSchema>["event"][]): JobView =>
  events.map(event).reduce(advance, unknownJob(event(undefined)));

const stage = (job: JobView, wanted: Stage) => job.stages.find((one) => one.stage === wanted);

const accepted = {
  case: "jobAccepted",
  value: { videoId: "v", source: "upload:u", title: "talk.mp4" },
} as const;
const opened = { case: "sourceOpened", value: { title: "The talk", duration: { seconds: 100n } } } as const;
const progress = {
  case: "stageProgress",
  value: {
    stage: Stage.TRANSCRIBE,
    done: 25,
    total: 100,
    unit: "seconds",
    rate: 2,
    remaining: { seconds: 38n },
  },
} as const;

test("a job is told from its events", () => {
  const job = after(accepted, opened, progress);
  expect(job).toMatchObject({ videoId: "v", title: "The talk", duration: 100, state: JobState.RUNNING });
  expect(stage(job, Stage.INGEST)?.state).toBe(StageState.RUNNING);
  expect(stage(job, Stage.TRANSCRIBE)).toMatchObject({ done: 25, total: 100, rate: 2, remaining: 38 });
});

test("the words heard last are kept, and not without end", () => {
  const heard = { case: "segmentHeard", value: { segment: { text: "word ".repeat(100) } } } as const;
  expect(after(accepted, heard).words.length).toBeLessThanOrEqual(220);
});

test("progress that comes after a stage's end changes nothing", () => {
  const job = after(accepted, opened, { case: "transcriptCompleted", value: {} }, progress);
  expect(stage(job, Stage.TRANSCRIBE)).toMatchObject({ state: StageState.SUCCEEDED, done: 0 });
});

test("a failure says what and what to do, and ends the job", () => {
  const failure = { message: "It is private.", advice: "Upload the file." };
  const job = after(
    accepted,
    { case: "stageFailed", value: { stage: Stage.INGEST, failure } },
    { case: "jobEnded", value: { outcome: JobOutcome.FAILED, failure } },
  );
  expect(stage(job, Stage.INGEST)).toMatchObject({ state: StageState.FAILED, failure });
  expect(job).toMatchObject({ state: JobState.FAILED, failure });
  expect(isOver(job)).toBe(true);
});

test("a cancelled job keeps what is done, and a retried one begins the rest anew", () => {
  const cancelled = after(accepted, opened, { case: "sourceIngested", value: {} }, progress, {
    case: "jobCancelled",
    value: {},
  });
  expect(cancelled.state).toBe(JobState.CANCELLED);
  expect(stage(cancelled, Stage.INGEST)?.state).toBe(StageState.SUCCEEDED);
  expect(stage(cancelled, Stage.TRANSCRIBE)?.state).toBe(StageState.CANCELLED);
  const retried = advance(cancelled, event({ case: "jobRetried", value: { run: 2 } }));
  expect(retried.state).toBe(JobState.RUNNING);
  expect(stage(retried, Stage.INGEST)?.state).toBe(StageState.SUCCEEDED);
  expect(stage(retried, Stage.TRANSCRIBE)).toMatchObject({ state: StageState.WAITING, done: 0 });
});

test("an event leaves the view that it is applied to as it was", () => {
  const before = after(accepted, opened);
  const copy = structuredClone(before);
  advance(before, event(progress));
  expect(before).toEqual(copy);
});

test("a job as the API gives it keeps what only events tell", () => {
  const before = after(accepted, opened, progress, {
    case: "segmentHeard",
    value: { segment: { text: "hello" } },
  });
  const job = create(JobSchema, {
    id: "j",
    state: JobState.RUNNING,
    stages: [{ stage: Stage.TRANSCRIBE, state: StageState.RUNNING }],
  });
  const view = fromJob(job, before);
  expect(view.words).toBe("hello");
  expect(stage(view, Stage.TRANSCRIBE)).toMatchObject({ done: 25, state: StageState.RUNNING });
});

test("what is known of the text's reach moves progress forward alone", () => {
  const job = after(accepted, opened, progress);
  expect(stage(heardThrough(job, 60, 100), Stage.TRANSCRIBE)?.done).toBe(60);
  expect(heardThrough(job, 10, 100)).toBe(job);
});

test("what a watch tells changes the jobs in the list, puts new ones first, and takes those of a deleted video away", () => {
  const message = (jobId: string, one: MessageInitShape<typeof JobEventSchema>["event"]) =>
    ({ case: "event", value: create(JobEventSchema, { jobId, event: one }) }) as const;
  const failed = { case: "jobEnded", value: { outcome: JobOutcome.FAILED } } as const;
  const known = fromJob(create(JobSchema, { id: "old", videoId: "o", state: JobState.RUNNING }));
  const list = told([known], [message("a", accepted), message("b", accepted), message("old", failed)]);
  expect(list.map(({ id, state }) => [id, state])).toEqual([
    ["b", JobState.QUEUED],
    ["a", JobState.QUEUED],
    ["old", JobState.FAILED],
  ]);
  const gone = { case: "videoDeleted", value: { videoId: "v" } } as const;
  expect(told(list, [message("b", gone)]).map(({ id }) => id)).toEqual(["old"]);
});
