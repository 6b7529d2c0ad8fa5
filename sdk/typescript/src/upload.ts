// Sending a file in chunks, through lost connections.

import { Code, type Client } from "@connectrpc/connect";

import { uuid } from "./calls.js";
import { toVidmeshError, type VidmeshError } from "./error.js";
import type { IngestService } from "./gen/vidmesh/ingest/v1/ingest_service_pb.js";
import { UploadState, type Upload } from "./gen/vidmesh/ingest/v1/upload_pb.js";
import { backoff, pause } from "./time.js";

export interface UploadProgress {
  uploadId: string;
  /** Bytes that have arrived, and that there are. */
  sent: number;
  size: number;
  /** Bytes a second over the last few seconds; 0 until it is known. */
  rate: number;
  /** Seconds left at this rate; undefined until it is known. */
  remaining: number | undefined;
  /** What interrupts it at the moment, while it waits to go on. */
  interruption: VidmeshError | undefined;
}

export interface UploadOptions {
  /** The file's name, for people. Default: that of a File, else "upload". */
  filename?: string;
  /** The id of an upload of the same file that was begun before: it goes on where that one stands. */
  resume?: string;
  /** Hears of the upload before its first chunk is sent. It may be submitted then: the mesh reads it while it comes. */
  onBegin?: (upload: Upload) => void | Promise<void>;
  onProgress?: (progress: UploadProgress) => void;
  signal?: AbortSignal;
  /** Milliseconds without an arrival after which a break is thrown rather than mended. */
  patienceMs?: number;
}

/** Bytes a message: what the API takes at most. */
const CHUNK = 1024 * 1024;

const BROKEN = new Set([Code.Unavailable, Code.DeadlineExceeded]);

export async function uploadFile(
  ingest: Client<typeof IngestService>,
  endpoint: string,
  file: Blob,
  options: UploadOptions,
): Promise<Upload> {
  const { signal, patienceMs = 300_000 } = options;
  let upload = await begin(ingest, file, options);
  await options.onBegin?.(upload);
  const meter = new Meter(file.size, Number(upload.offset));
  const tell = (interruption?: VidmeshError) =>
    options.onProgress?.({ uploadId: upload.id, ...meter.read(), interruption });
  tell();
  let failures = 0;
  let alive = Date.now();
  while (upload.state === UploadState.OPEN && upload.offset < BigInt(file.size)) {
    const offset = Number(upload.offset);
    const data = new Uint8Array(await file.slice(offset, offset + CHUNK).arrayBuffer());
    try {
      signal?.throwIfAborted();
      upload = arrived(
        await ingest.writeUpload({ uploadId: upload.id, offset: upload.offset, data }, { signal }),
      );
      failures = 0;
      alive = Date.now();
      meter.note(Number(upload.offset));
      tell();
    } catch (thrown) {
      const error = toVidmeshError(thrown, endpoint);
      if (error.reason !== "WRONG_OFFSET") {
        if (signal?.aborted || !isMendable(error) || Date.now() - alive > patienceMs) throw error;
        tell(error);
      }
      failures += 1;
      await pause(backoff(failures), signal).catch((reason: unknown) => {
        throw toVidmeshError(reason, endpoint);
      });
      upload = await standing(ingest, upload, signal, endpoint);
      meter.note(Number(upload.offset));
    }
  }
  if (upload.state === UploadState.COMPLETE) return upload;
  return arrived(await ingest.completeUpload({ uploadId: upload.id }, { signal }));
}

async function begin(
  ingest: Client<typeof IngestService>,
  file: Blob,
  options: UploadOptions,
): Promise<Upload> {
  if (options.resume !== undefined) {
    return arrived(await ingest.getUpload({ uploadId: options.resume }, { signal: options.signal }));
  }
  const filename =
    options.filename ?? ("name" in file && typeof file.name === "string" ? file.name : "upload");
  const request = { filename, sizeBytes: BigInt(file.size), requestId: uuid() };
  return arrived(await ingest.createUpload(request, { signal: options.signal }));
}

/** Where the upload stands, or what was known of it while nobody can say. */
async function standing(
  ingest: Client<typeof IngestService>,
  known: Upload,
  signal: AbortSignal | undefined,
  endpoint: string,
): Promise<Upload> {
  try {
    return arrived(await ingest.getUpload({ uploadId: known.id }, { signal }));
  } catch (thrown) {
    const error = toVidmeshError(thrown, endpoint);
    if (signal?.aborted || !isMendable(error)) throw error;
    return known;
  }
}

function isMendable(error: VidmeshError): boolean {
  return error.told ? error.retryable : BROKEN.has(error.code);
}

function arrived(response: { upload?: Upload }): Upload {
  if (response.upload === undefined) throw new TypeError("The answer names no upload.");
  return response.upload;
}

/** The rate of the last five seconds. */
class Meter {
  private readonly marks: { at: number; sent: number }[];

  constructor(
    private readonly size: number,
    private sent: number,
  ) {
    this.marks = [{ at: performance.now(), sent }];
  }

  note(sent: number): void {
    this.sent = sent;
    this.marks.push({ at: performance.now(), sent });
    const oldest = performance.now() - 5000;
    while (this.marks.length > 2 && (this.marks[0]?.at ?? 0) < oldest) this.marks.shift();
  }

  read(): Pick<UploadProgress, "sent" | "size" | "rate" | "remaining"> {
    const [first, last] = [this.marks[0], this.marks.at(-1)];
    const seconds = first && last ? (last.at - first.at) / 1000 : 0;
    const rate = first && last && seconds > 0 ? Math.max(0, (last.sent - first.sent) / seconds) : 0;
    const remaining = rate > 0 ? (this.size - this.sent) / rate : undefined;
    return { sent: this.sent, size: this.size, rate, remaining };
  }
}
