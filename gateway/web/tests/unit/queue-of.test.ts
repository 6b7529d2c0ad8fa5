import { create, JobSchema, JobState, Stage, StageState } from "@vidmesh/client";
import { expect, test } from "vitest";

import { queueOf } from "../../src/system/queue-of";

const job = (state: JobState, added: number, stages: [Stage, StageState][] = []) =>
  create(JobSchema, {
    state,
    createdAt: { seconds: BigInt(added) },
    stages: stages.map(([stage, state]) => ({ stage, state })),
  });

test("jobs are counted by state, and by stage where they stand", () => {
  const queue = queueOf([
    job(JobState.QUEUED, 300),
    job(JobState.QUEUED, 200),
    job(JobState.RUNNING, 100, [
      [Stage.INGEST, StageState.SUCCEEDED],
      [Stage.TRANSCRIBE, StageState.RUNNING],
    ]),
  ]);
  expect(queue).toMatchObject({ waiting: 2, running: 1 });
  expect(queue.stages).toEqual([
    { stage: Stage.INGEST, running: 0, waiting: 2, oldest: new Date(200_000) },
    { stage: Stage.TRANSCRIBE, running: 1, waiting: 2, oldest: new Date(200_000) },
    { stage: Stage.SUMMARIZE, running: 0, waiting: 3, oldest: new Date(100_000) },
    { stage: Stage.INDEX, running: 0, waiting: 3, oldest: new Date(100_000) },
  ]);
});

test("an empty queue has no oldest job", () => {
  const queue = queueOf([]);
  expect(queue).toMatchObject({ waiting: 0, running: 0 });
  expect(queue.stages.map(({ oldest }) => oldest)).toEqual(queue.stages.map(() => undefined));
});
