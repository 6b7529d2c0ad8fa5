// Following a stream through any number of broken connections.

import { Code } from "@connectrpc/connect";

import { dropped } from "./calls.js";
import { toVidmeshError, type VidmeshError } from "./error.js";
import { backoff, pause } from "./time.js";

export interface FollowOptions {
  signal?: AbortSignal;
  /** Milliseconds without a message after which a break is thrown rather than mended. */
  patienceMs?: number;
  /** Hears of each break that is about to be mended. */
  onBreak?: (error: VidmeshError) => void;
  /** Hears that the stream is open, at first and after each break: what happens from then on is told. */
  onOpen?: () => void;
}

export interface Follow<Message> {
  endpoint: string;
  /** Opens the stream where it is to go on. */
  open: (signal: AbortSignal) => AsyncIterable<Message>;
  /** Takes note of a message and says whether it is news. */
  take: (message: Message) => boolean;
  /** Says whether a stream that ended in order is over; where it is not, it is opened again. */
  isOver: () => boolean | Promise<boolean>;
}

/** Three heartbeats of 20 seconds and some: a stream that is silent for longer is dead. */
const SILENCE_MS = 65_000;

const BROKEN = new Set([Code.Unavailable, Code.Internal, Code.Unknown, Code.Canceled, Code.DeadlineExceeded]);

export async function* followed<Message>(
  follow: Follow<Message>,
  { signal, patienceMs = 120_000, onBreak, onOpen }: FollowOptions,
): AsyncGenerator<Message, void, undefined> {
  let failures = 0;
  let alive = Date.now();
  for (;;) {
    let problem: VidmeshError;
    let opened = false;
    try {
      for await (const message of watched(follow.open, signal)) {
        if (!opened) onOpen?.();
        opened = true;
        failures = 0;
        alive = Date.now();
        if (follow.take(message)) yield message;
      }
      if (await follow.isOver()) return;
      problem = dropped("The stream ended before what it follows did.");
    } catch (thrown) {
      problem = toVidmeshError(thrown, follow.endpoint);
    }
    const mendable = problem.told ? problem.retryable : BROKEN.has(problem.code);
    if (signal?.aborted || !mendable || Date.now() - alive > patienceMs) throw problem;
    onBreak?.(problem);
    failures += 1;
    try {
      await pause(backoff(failures, 100), signal);
    } catch (thrown) {
      throw toVidmeshError(thrown, follow.endpoint);
    }
  }
}

/** A stream that is taken for broken when it falls silent, and that is closed however its reader leaves. */
async function* watched<Message>(
  open: (signal: AbortSignal) => AsyncIterable<Message>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Message, void, undefined> {
  const own = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const listen = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      own.abort();
    }, SILENCE_MS);
  };
  try {
    listen();
    for await (const message of open(signal ? AbortSignal.any([signal, own.signal]) : own.signal)) {
      clearTimeout(timer);
      yield message;
      listen();
    }
  } catch (thrown) {
    throw own.signal.aborted ? dropped(`Nothing was heard for ${SILENCE_MS / 1000} seconds.`) : thrown;
  } finally {
    clearTimeout(timer);
    own.abort();
  }
}
