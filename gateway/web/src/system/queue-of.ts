// The queue as the jobs that have not ended make it. Pure.

import { JobState, StageState, toDate, type Job, type Stage } from "@vidmesh/client";

import { STAGES } from "../jobs/job-view";

export interface StageQueue {
  stage: Stage;
  running: number;
  waiting: number;
}

export interface Queue {
  /** Jobs of which no stage has begun, and jobs at work. */
  waiting: number;
  running: number;
  /** When the oldest job was added that no stage has begun. */
  oldest: Date | undefined;
  stages: StageQueue[];
}

export function queueOf(jobs: readonly Job[]): Queue {
  const waiting = jobs.filter((job) => job.state === JobState.QUEUED);
  const added = waiting.map((job) => toDate(job.createdAt)).filter((date) => date !== undefined);
  const stages = STAGES.map((stage) => {
    const states = jobs.map(
      (job) => job.stages.find((one) => one.stage === stage)?.state ?? StageState.WAITING,
    );
    return {
      stage,
      running: states.filter((state) => state === StageState.RUNNING).length,
      waiting: states.filter((state) => state === StageState.WAITING).length,
    };
  });
  return {
    waiting: waiting.length,
    running: jobs.filter((job) => job.state === JobState.RUNNING).length,
    oldest: added.length === 0 ? undefined : new Date(Math.min(...added.map(Number))),
    stages,
  };
}
