// Following jobs.

import type { Client } from "@connectrpc/connect";

import type { JobEvent } from "./gen/vidmesh/events/v1/job_event_pb.js";
import type {
  IngestService,
  JobSnapshot,
  WatchJobResponse,
  WatchJobsResponse,
} from "./gen/vidmesh/ingest/v1/ingest_service_pb.js";
import { JobState, type Job } from "./gen/vidmesh/ingest/v1/job_pb.js";
import { followed, type FollowOptions } from "./resume.js";

/** Something that happened, or a job as it stands where earlier events are no longer kept. */
export type WatchMessage = { case: "event"; value: JobEvent } | { case: "snapshot"; value: JobSnapshot };

export interface WatchOptions extends FollowOptions {
  /** The sequence of the last event seen. 0n: from the beginning (of a job), or from now (of all jobs). */
  after?: bigint;
}

const ENDED = new Set([JobState.SUCCEEDED, JobState.PARTIAL, JobState.FAILED, JobState.CANCELLED]);

/** Says whether a job's run is over. */
export function hasEnded(job: Job): boolean {
  return ENDED.has(job.state);
}

export function watchJob(
  ingest: Client<typeof IngestService>,
  endpoint: string,
  jobId: string,
  options: WatchOptions,
): AsyncGenerator<WatchMessage, void, undefined> {
  const progress = new Progress(options.after ?? 0n);
  const isOver = async () => {
    if (progress.ended) return true;
    const { job } = await ingest.getJob({ jobId }, { signal: options.signal });
    return job !== undefined && hasEnded(job);
  };
  const open = (signal: AbortSignal) => ingest.watchJob({ jobId, afterSequence: progress.seen }, { signal });
  return news(
    followed<WatchJobResponse>(
      { endpoint, open, take: (message) => progress.advance(message.message), isOver },
      options,
    ),
  );
}

export function watchJobs(
  ingest: Client<typeof IngestService>,
  endpoint: string,
  options: WatchOptions,
): AsyncGenerator<WatchMessage, void, undefined> {
  const progress = new Progress(options.after ?? 0n);
  const open = (signal: AbortSignal) => ingest.watchJobs({ afterSequence: progress.seen }, { signal });
  return news(
    followed<WatchJobsResponse>(
      { endpoint, open, take: (message) => progress.advance(message.message), isOver: () => false },
      options,
    ),
  );
}

async function* news(
  messages: AsyncIterable<WatchJobResponse | WatchJobsResponse>,
): AsyncGenerator<WatchMessage, void, undefined> {
  for await (const { message } of messages) {
    if (message.case === "event" || message.case === "snapshot") yield message;
  }
}

/** How far a watch has come. */
class Progress {
  ended = false;
  readonly #numbers = new Map<string, bigint>();

  constructor(public seen: bigint) {}

  advance(message: WatchJobResponse["message"]): boolean {
    if (message.case === "event") {
      const { sequence, event } = message.value;
      if (sequence <= this.seen) return false;
      this.seen = sequence;
      this.ended = event.case === "jobEnded" || (this.ended && event.case !== "jobRetried");
      return this.#isNews(message.value);
    }
    if (message.case === "snapshot") {
      if (message.value.sequence > this.seen) this.seen = message.value.sequence;
      this.ended = message.value.job !== undefined && hasEnded(message.value.job);
      return true;
    }
    if (message.case === "heartbeat" && message.value.sequence > this.seen)
      this.seen = message.value.sequence;
    return false;
  }

  /** Says whether a fact was not told before: a bus that has lost its disk tells it again with another sequence. */
  #isNews({ jobId, stage, number }: JobEvent): boolean {
    if (number === 0n) return true;
    const of = `${jobId} ${stage}`;
    if (number <= (this.#numbers.get(of) ?? 0n)) return false;
    this.#numbers.set(of, number);
    return true;
  }
}
