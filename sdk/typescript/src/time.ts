// The API's durations and times as numbers.

import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";

/** A duration in seconds; 0 where it is absent. */
export function toSeconds(duration: Duration | undefined): number {
  return duration === undefined ? 0 : Number(duration.seconds) + duration.nanos / 1e9;
}

/** A time as a Date; undefined where it is absent. */
export function toDate(time: Timestamp | undefined): Date | undefined {
  return time && new Date(Number(time.seconds) * 1000 + Math.floor(time.nanos / 1e6));
}

/** Resolves after `ms`, or rejects with the signal's reason when that comes first. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(asError(signal.reason));
      return;
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    const stop = () => {
      clearTimeout(timer);
      reject(asError(signal?.reason));
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** How long to wait before going on after the n-th failure in a row (from 1): doubled each time, jittered. */
export function backoff(failures: number, first = 200, longest = 5000): number {
  return Math.min(first * 2 ** (failures - 1), longest) * (0.5 + Math.random() / 2);
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new DOMException("The operation was aborted.", "AbortError");
}
