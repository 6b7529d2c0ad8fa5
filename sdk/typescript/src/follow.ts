// Following a transcript and a summary while they are made.

import type { Client } from "@connectrpc/connect";
import type { Duration } from "@bufbuild/protobuf/wkt";

import { StageState } from "./gen/vidmesh/events/v1/stage_pb.js";
import type { Segment } from "./gen/vidmesh/events/v1/text_pb.js";
import type { SummarizeService } from "./gen/vidmesh/summarize/v1/summarize_service_pb.js";
import type { Section, Summary } from "./gen/vidmesh/summarize/v1/summary_pb.js";
import type {
  StreamTranscriptResponse,
  TranscribeService,
} from "./gen/vidmesh/transcribe/v1/transcribe_service_pb.js";
import type { Transcript } from "./gen/vidmesh/transcribe/v1/transcript_pb.js";
import { followed, type FollowOptions } from "./resume.js";

/** The transcript's state, or its next segment. A state of another job says that the segments so far are void. */
export type TranscriptMessage =
  { case: "transcript"; value: Transcript } | { case: "segment"; value: Segment };

/** A summary that replaces the text so far, a text to append to it, a section, or word that writing began again. */
export type SummaryMessage =
  | { case: "summary"; value: Summary }
  | { case: "delta"; value: string }
  | { case: "section"; value: Section }
  | { case: "restart" };

const DONE = new Set([StageState.SUCCEEDED, StageState.FAILED, StageState.CANCELLED]);

export async function* followTranscript(
  transcribe: Client<typeof TranscribeService>,
  endpoint: string,
  videoId: string,
  options: FollowOptions,
): AsyncGenerator<TranscriptMessage, void, undefined> {
  let job: string | undefined;
  let last = -1;
  let start: Duration | undefined;
  let done = false;
  const take = ({ message }: StreamTranscriptResponse): boolean => {
    if (message.case === "transcript") {
      if (job !== undefined && job !== message.value.jobId) {
        last = -1;
        start = undefined;
      }
      job = message.value.jobId;
      done = DONE.has(message.value.state);
      return true;
    }
    if (message.case !== "segment" || message.value.index <= last) return false;
    last = message.value.index;
    start = message.value.start;
    return true;
  };
  const open = (signal: AbortSignal) =>
    transcribe.streamTranscript({ videoId, ...(start && { start }) }, { signal });
  for await (const { message } of followed({ endpoint, open, take, isOver: () => done }, options)) {
    if (message.case === "transcript" || message.case === "segment") yield message;
  }
}

export async function* followSummary(
  summarize: Client<typeof SummarizeService>,
  endpoint: string,
  videoId: string,
  options: FollowOptions,
): AsyncGenerator<SummaryMessage, void, undefined> {
  let done = false;
  const open = (signal: AbortSignal) => summarize.streamSummary({ videoId }, { signal });
  const messages = followed(
    {
      endpoint,
      open,
      take: ({ message }) => {
        if (message.case === "summary") done = DONE.has(message.value.state);
        return message.case !== "heartbeat";
      },
      isOver: () => done,
    },
    options,
  );
  for await (const { message } of messages) {
    if (message.case === "restart") yield { case: "restart" };
    else if (message.case === "summary" || message.case === "delta" || message.case === "section")
      yield message;
  }
}
