// What the mesh keeps of a video, as something that plays: read a piece at a time where the browser lets a worker answer for
// a file, else as a whole where it is not too large.

import { asProblem, mesh } from "../mesh";
import type { MediaSource } from "./media";

/** Bytes that are read at once. */
const PIECE = 1 << 20;
/** Bytes: a larger file is not read as a whole. */
const WHOLE = 200_000_000;
/** Milliseconds that the worker may take to begin. */
const PATIENCE = 3000;

interface Wanted {
  videoId: string;
  offset: number;
  length: number;
}

/** The video's source; undefined where the mesh keeps none, or none yet, or nothing here can play it. */
export async function keptMedia(videoId: string, signal: AbortSignal): Promise<MediaSource | undefined> {
  try {
    const { sizeBytes, mediaType } = await mesh.ingest.getMedia({ videoId, length: 1 }, { signal });
    const audio = mediaType.startsWith("audio/");
    if (await answering()) return { kind: "file", url: `/media/${videoId}`, audio };
    if (sizeBytes > BigInt(WHOLE)) return undefined;
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for (let offset = 0; BigInt(offset) < sizeBytes; offset += PIECE) {
      const { data } = await mesh.ingest.getMedia(
        { videoId, offset: BigInt(offset), length: PIECE },
        { signal },
      );
      parts.push(data as Uint8Array<ArrayBuffer>);
    }
    return { kind: "file", url: URL.createObjectURL(new Blob(parts, { type: mediaType })), audio };
  } catch (thrown) {
    // What cannot be read is not at hand; the page says so.
    asProblem(thrown);
    return undefined;
  }
}

/** Whether the worker answers for this page. Pages that come by plain HTTP from another machine have none. */
async function answering(): Promise<boolean> {
  const workers = (navigator as { serviceWorker?: ServiceWorkerContainer }).serviceWorker;
  if (workers === undefined) return false;
  workers.onmessage = (event: MessageEvent<Wanted>) => void reply(event);
  try {
    await workers.register("/media-worker.js");
  } catch {
    return false;
  }
  if (workers.controller !== null) return true;
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(false), PATIENCE);
    workers.addEventListener(
      "controllerchange",
      () => {
        clearTimeout(late);
        resolve(true);
      },
      { once: true },
    );
  });
}

async function reply({
  data: { videoId, offset, length },
  ports: [port],
}: MessageEvent<Wanted>): Promise<void> {
  try {
    const piece = await mesh.ingest.getMedia({ videoId, offset: BigInt(offset), length });
    port?.postMessage({ data: piece.data, size: Number(piece.sizeBytes), mediaType: piece.mediaType });
  } catch (thrown) {
    asProblem(thrown);
    port?.postMessage({});
  }
}
