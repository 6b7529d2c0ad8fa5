// The queue as the jobs that have not ended make it. Pure.

import { JobState, StageState, toDate, type Job, type Stage } from "@vidmesh/client";

import { STAGES } from "../jobs/job-view";

export interface StageQueue {
  stage: Stage;
  running: number;
  waiting: number;
  /** When the oldest job was added that this stage has not begun. */
  oldest: Date | undefined;
}

export interface Queue {
  /** Jobs of which no stage has begun, and jobs at work. */
  waiting: number;
  running: number;
  stages: StageQueue[];
}

export function queueOf(jobs: readonly Job[]): Queue {
  const waiting = jobs.filter((job) => job.state === JobState.QUEUED);
  const stages = STAGES.map((stage) => {
    const inState = (state: StageState) =>
      jobs.filter(
        (job) => (job.stages.find((one) => one.stage === stage)?.state ?? StageState.WAITING) === state,
      );
    const unbegun = inState(StageState.WAITING);
    return {
      stage,
      running: inState(StageState.RUNNING).length,
      waiting: unbegun.length,
      oldest: oldestOf(unbegun),
    };
  });
  return {
    waiting: waiting.length,
    running: jobs.filter((job) => job.state === JobState.RUNNING).length,
    stages,
  };
}

function oldestOf(jobs: readonly Job[]): Date | undefined {
  const added = jobs.map((job) => toDate(job.createdAt)).filter((date) => date !== undefined);
  return added.length === 0 ? undefined : new Date(Math.min(...added.map(Number)));
}
