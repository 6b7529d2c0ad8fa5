// The client: one mesh, its four services, and what their streams need.

import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { Code, type Client, type Interceptor, type Transport } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

import { calls, speaking, type TokenSource } from "./calls.js";
import { VidmeshError } from "./error.js";
import { followSummary, followTranscript, type SummaryMessage, type TranscriptMessage } from "./follow.js";
import {
  Health as HealthService,
  HealthCheckResponse_ServingStatus,
} from "./gen/grpc/health/v1/health_pb.js";
import type { DeadLetter } from "./gen/vidmesh/events/v1/dead_letter_pb.js";
import type { Segment } from "./gen/vidmesh/events/v1/text_pb.js";
import {
  IngestService,
  type SubmitPlaylistRequestSchema,
  type SubmitPlaylistResponse,
  type SubmitVideoRequestSchema,
} from "./gen/vidmesh/ingest/v1/ingest_service_pb.js";
import type { Job, JobState } from "./gen/vidmesh/ingest/v1/job_pb.js";
import type { Upload } from "./gen/vidmesh/ingest/v1/upload_pb.js";
import type { Conversation } from "./gen/vidmesh/query/v1/conversation_pb.js";
import type { Folder, Tag, Video } from "./gen/vidmesh/query/v1/library_pb.js";
import {
  QueryService,
  type AskRequestSchema,
  type AskResponse,
  type SearchRequestSchema,
  type SearchResponse,
  type VideoOrder,
} from "./gen/vidmesh/query/v1/query_service_pb.js";
import type { ScopeSchema } from "./gen/vidmesh/query/v1/search_pb.js";
import { SummarizeService } from "./gen/vidmesh/summarize/v1/summarize_service_pb.js";
import { TranscribeService } from "./gen/vidmesh/transcribe/v1/transcribe_service_pb.js";
import { pages } from "./pages.js";
import type { FollowOptions } from "./resume.js";
import { uploadFile, type UploadOptions } from "./upload.js";
import { watchJob, watchJobs, type WatchMessage, type WatchOptions } from "./watch.js";

/** What a transport is made of. Those of `@connectrpc/connect-web` and `-node` take it as it is. */
export interface TransportInit {
  baseUrl: string;
  interceptors: Interceptor[];
}

export interface VidmeshOptions {
  /** Where the mesh answers, such as "http://127.0.0.1:8080". */
  endpoint: string;
  /** A token, or what gives one; it is asked before each call. */
  token?: TokenSource;
  /** Milliseconds that a call which is no stream may take. Default: 30 seconds. */
  timeoutMs?: number;
  /** How often a call that may be repeated is tried in all, where the failure says that trying again helps. Default: 3. */
  attempts?: number;
  /** Makes the transport. Default: gRPC-Web over `fetch`, which browsers and Node have. */
  transport?: (init: TransportInit) => Transport;
}

/** The fields of a request but those that a method names itself, and a signal that ends the call. */
type Fields<Schema extends DescMessage, Named extends string> = Omit<
  MessageInitShape<Schema>,
  Named | "$typeName" | "$unknown"
> & { signal?: AbortSignal };

export type SubmitOptions = Fields<typeof SubmitVideoRequestSchema, "source">;
export type PlaylistOptions = Fields<typeof SubmitPlaylistRequestSchema, "url">;
export type AskOptions = Fields<typeof AskRequestSchema, "question">;
export type SearchOptions = Fields<typeof SearchRequestSchema, "query">;

export interface Submission {
  job: Job;
  /** Whether the source was known and this job is not a new one. */
  existing: boolean;
}

/** A piece of an answer: what it will be made from, text to append, then the whole with its citations. */
export type AskMessage = Exclude<AskResponse["message"], { case: undefined }>;

/** The services of a mesh. */
export const SERVICES = ["ingest", "transcribe", "summarize", "query"] as const;
export type Service = (typeof SERVICES)[number];

/** How a service is. */
export interface Health {
  /** Whether it answers calls. */
  serving: boolean;
  /** Its version. Empty where it did not answer, or the call had no token. */
  version: string;
}

const UNANSWERED = new Set([Code.Unavailable, Code.DeadlineExceeded]);

/**
 * A mesh, by its endpoint and a token.
 *
 * `ingest`, `transcribe`, `summarize` and `query` are the services' own clients. All calls throw VidmeshError, carry the
 * token, and end after `timeoutMs` unless they stream. A mutation gets a request_id where it has none.
 */
export class Vidmesh {
  readonly endpoint: string;
  readonly ingest: Client<typeof IngestService>;
  readonly transcribe: Client<typeof TranscribeService>;
  readonly summarize: Client<typeof SummarizeService>;
  readonly query: Client<typeof QueryService>;
  readonly #health: Client<typeof HealthService>;

  constructor({
    endpoint,
    token,
    timeoutMs = 30_000,
    attempts = 3,
    transport = createGrpcWebTransport,
  }: VidmeshOptions) {
    this.endpoint = readEndpoint(endpoint);
    const interceptors = [calls({ endpoint: this.endpoint, token, timeoutMs, attempts })];
    const made = transport({ baseUrl: this.endpoint, interceptors });
    this.ingest = speaking(IngestService, made, this.endpoint);
    this.transcribe = speaking(TranscribeService, made, this.endpoint);
    this.summarize = speaking(SummarizeService, made, this.endpoint);
    this.query = speaking(QueryService, made, this.endpoint);
    this.#health = speaking(HealthService, made, this.endpoint);
  }

  /** Takes a link or a completed upload on and begins a job. A source that is known gives the job there is, unless `force`. */
  async submit(
    source: string | Pick<Upload, "id">,
    { signal, ...fields }: SubmitOptions = {},
  ): Promise<Submission> {
    const from =
      typeof source === "string"
        ? ({ case: "url", value: source } as const)
        : ({ case: "uploadId", value: source.id } as const);
    const { job, existing } = await this.ingest.submitVideo(
      { ...fields, source: { source: from } },
      { signal },
    );
    if (job === undefined) throw new TypeError("The answer names no job.");
    return { job, existing };
  }

  /** Takes every entry of a playlist or channel on; yields each job as its entry is found. */
  submitPlaylist(url: string, options: PlaylistOptions = {}): AsyncIterable<SubmitPlaylistResponse> {
    const { signal, ...fields } = options;
    return this.ingest.submitPlaylist({ ...fields, url }, { signal });
  }

  /**
   * Sends a file (a File, a Blob, in Node what `fs.openAsBlob` gives) in chunks and gives the completed upload. A lost
   * connection is waited out and the upload goes on at the offset that the mesh has.
   */
  upload(file: Blob, options: UploadOptions = {}): Promise<Upload> {
    return uploadFile(this.ingest, this.endpoint, file, options);
  }

  /** Yields a job's events until it has ended, each once and in order, over any break of the connection. */
  watch(jobId: string, options: WatchOptions = {}): AsyncGenerator<WatchMessage, void, undefined> {
    return watchJob(this.ingest, this.endpoint, jobId, options);
  }

  /**
   * Yields the events of all the caller's jobs, each once and in order, over any break of the connection, without end.
   * Without `after`, only what happens from when `onOpen` is first called: list the jobs after that, and nothing falls
   * between the list and the events.
   */
  watchAll(options: WatchOptions = {}): AsyncGenerator<WatchMessage, void, undefined> {
    return watchJobs(this.ingest, this.endpoint, options);
  }

  /** Yields a transcript's state and segments: those there are, then each as it comes, until it is whole. */
  transcript(
    videoId: string,
    options: FollowOptions = {},
  ): AsyncGenerator<TranscriptMessage, void, undefined> {
    return followTranscript(this.transcribe, this.endpoint, videoId, options);
  }

  /** Yields a summary: what there is, then each piece as it is written, until it is whole. */
  summary(videoId: string, options: FollowOptions = {}): AsyncGenerator<SummaryMessage, void, undefined> {
    return followSummary(this.summarize, this.endpoint, videoId, options);
  }

  /** Answers a question from what was said, piece by piece; the last message has the whole answer, which replaces the pieces. */
  async *ask(question: string, options: AskOptions = {}): AsyncGenerator<AskMessage, void, undefined> {
    const { signal, ...fields } = options;
    for await (const { message } of this.query.ask({ ...fields, question }, { signal })) {
      if (message.case !== undefined) yield message;
    }
  }

  /** Searches by words and by meaning at once; gives one page, the best hits first. */
  search(query: string, options: SearchOptions = {}): Promise<SearchResponse> {
    const { signal, ...fields } = options;
    return this.query.search({ ...fields, query }, { signal });
  }

  /** Asks a service how it is, for at most five seconds. Needs no token, but tells the version only with one. */
  async health(service: Service, options: { signal?: AbortSignal } = {}): Promise<Health> {
    let version = "";
    const onHeader = (headers: Headers) => (version = headers.get("x-vidmesh-version") ?? "");
    const headers = { "x-vidmesh-service": service };
    try {
      const { status } = await this.#health.check({}, { ...options, headers, onHeader, timeoutMs: 5000 });
      return { serving: status === HealthCheckResponse_ServingStatus.SERVING, version };
    } catch (thrown) {
      if (thrown instanceof VidmeshError && UNANSWERED.has(thrown.code)) return { serving: false, version };
      throw thrown;
    }
  }

  /** Tells whether a service answers calls, within five seconds. Needs no token. */
  async isServing(service: Service, options: { signal?: AbortSignal } = {}): Promise<boolean> {
    return (await this.health(service, options)).serving;
  }

  /** Yields the caller's jobs, newest first. */
  async *jobs(
    options: { states?: JobState[]; videoId?: string; signal?: AbortSignal } = {},
  ): AsyncGenerator<Job> {
    const { signal, ...filter } = options;
    const list = (pageToken: string) =>
      this.ingest.listJobs({ ...filter, pageToken, pageSize: 200 }, { signal });
    for await (const page of pages(list)) yield* page.jobs;
  }

  /** Yields what was given up, newest first, without what the letters say: `ingest.getDeadLetter` gives that. */
  async *deadLetters(options: { jobId?: string; signal?: AbortSignal } = {}): AsyncGenerator<DeadLetter> {
    const { signal, ...filter } = options;
    const list = (pageToken: string) =>
      this.ingest.listDeadLetters({ ...filter, pageToken, pageSize: 200 }, { signal });
    for await (const page of pages(list)) yield* page.letters;
  }

  /** Yields the library's videos, newest first unless `order` says otherwise. */
  async *videos(
    options: {
      scope?: MessageInitShape<typeof ScopeSchema>;
      order?: VideoOrder;
      signal?: AbortSignal;
    } = {},
  ): AsyncGenerator<Video> {
    const { signal, ...filter } = options;
    const list = (pageToken: string) =>
      this.query.listVideos({ ...filter, pageToken, pageSize: 200 }, { signal });
    for await (const page of pages(list)) yield* page.videos;
  }

  /** Yields the segments of a transcript that there are, in the order of time. */
  async *segments(
    videoId: string,
    options: { words?: boolean; signal?: AbortSignal } = {},
  ): AsyncGenerator<Segment> {
    const request = { videoId, pageSize: 1000, omitWords: !(options.words ?? false) };
    const list = (pageToken: string) =>
      this.transcribe.getTranscript({ ...request, pageToken }, { signal: options.signal });
    for await (const page of pages(list)) yield* page.segments;
  }

  /** Yields the folders, by name. */
  async *folders(options: { signal?: AbortSignal } = {}): AsyncGenerator<Folder> {
    const list = (pageToken: string) => this.query.listFolders({ pageToken, pageSize: 200 }, options);
    for await (const page of pages(list)) yield* page.folders;
  }

  /** Yields the tags in use, by name. */
  async *tags(options: { signal?: AbortSignal } = {}): AsyncGenerator<Tag> {
    const list = (pageToken: string) => this.query.listTags({ pageToken, pageSize: 200 }, options);
    for await (const page of pages(list)) yield* page.tags;
  }

  /** Yields the conversations, the last used first. */
  async *conversations(options: { signal?: AbortSignal } = {}): AsyncGenerator<Conversation> {
    const list = (pageToken: string) => this.query.listConversations({ pageToken, pageSize: 200 }, options);
    for await (const page of pages(list)) yield* page.conversations;
  }
}

/** Checks "http://HOST[:PORT]" or "https://HOST[:PORT]" and gives it without a slash at its end. Throws TypeError on anything else. */
export function readEndpoint(endpoint: string): string {
  const wrong = () =>
    new TypeError(`"${endpoint}" is no endpoint: give http://HOST:PORT or https://HOST:PORT`);
  if (!URL.canParse(endpoint)) throw wrong();
  const url = new URL(endpoint);
  if (!/^https?:$/.test(url.protocol) || url.pathname !== "/" || url.search || url.hash) throw wrong();
  return url.origin;
}
