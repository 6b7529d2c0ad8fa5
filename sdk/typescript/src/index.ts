// Everything that `@vidmesh/client` offers.

export { create, fromBinary, toBinary, toJson, type MessageInitShape } from "@bufbuild/protobuf";
export { Code } from "@connectrpc/connect";

export * from "./client.js";
export type { TokenSource } from "./calls.js";
export { handlingOf, VidmeshError } from "./error.js";
export type { SummaryMessage, TranscriptMessage } from "./follow.js";
export type { FollowOptions } from "./resume.js";
export { toDate, toSeconds } from "./time.js";
export type { UploadOptions, UploadProgress } from "./upload.js";
export { hasEnded, type WatchMessage, type WatchOptions } from "./watch.js";

export * from "./gen/vidmesh/errors/v1/failure_pb.js";
export { ErrorReason } from "./gen/vidmesh/errors/v1/error_reason_pb.js";
export * from "./gen/vidmesh/events/v1/dead_letter_pb.js";
export * from "./gen/vidmesh/events/v1/index_events_pb.js";
export * from "./gen/vidmesh/events/v1/ingest_events_pb.js";
export * from "./gen/vidmesh/events/v1/job_event_pb.js";
export * from "./gen/vidmesh/events/v1/stage_pb.js";
export * from "./gen/vidmesh/events/v1/summarize_events_pb.js";
export * from "./gen/vidmesh/events/v1/text_pb.js";
export * from "./gen/vidmesh/events/v1/transcribe_events_pb.js";
export * from "./gen/vidmesh/ingest/v1/ingest_service_pb.js";
export * from "./gen/vidmesh/ingest/v1/job_pb.js";
export * from "./gen/vidmesh/ingest/v1/upload_pb.js";
export * from "./gen/vidmesh/ingest/v1/video_pb.js";
export * from "./gen/vidmesh/query/v1/conversation_pb.js";
export * from "./gen/vidmesh/query/v1/library_pb.js";
export * from "./gen/vidmesh/query/v1/query_service_pb.js";
export * from "./gen/vidmesh/query/v1/search_pb.js";
export * from "./gen/vidmesh/summarize/v1/summarize_service_pb.js";
export * from "./gen/vidmesh/summarize/v1/summary_pb.js";
export * from "./gen/vidmesh/transcribe/v1/transcribe_service_pb.js";
export * from "./gen/vidmesh/transcribe/v1/transcript_pb.js";
