// The one error that calls to vidmesh throw.

import { create, getOption } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";

import {
  ErrorReasonSchema,
  handling,
  HandlingSchema,
  type Handling,
} from "./gen/vidmesh/errors/v1/error_reason_pb.js";
import { ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { toSeconds } from "./time.js";

const DOMAIN = "vidmesh";

export interface VidmeshErrorInit {
  reason: string;
  code: Code;
  advice?: string;
  retryable?: boolean;
  retryAfter?: number;
  metadata?: Record<string, string>;
  told?: boolean;
  cause?: unknown;
}

/** A call to vidmesh failed. */
export class VidmeshError extends Error {
  override readonly name = "VidmeshError";
  /**
   * A name of `vidmesh.errors.v1.ErrorReason` without its prefix, such as "LIVE_VIDEO", or the name of the gRPC status
   * where the answer did not come from vidmesh's services.
   */
  readonly reason: string;
  readonly code: Code;
  /** What to do, in a sentence. May be empty. */
  readonly advice: string;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** How many seconds to wait before that, where it is known. */
  readonly retryAfter: number | undefined;
  /** Particulars, such as `field` or `offset`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Whether one of vidmesh's services told it, rather than the connection or the gateway. */
  readonly told: boolean;

  constructor(message: string, init: VidmeshErrorInit) {
    super(message, { cause: init.cause });
    this.code = init.code;
    this.reason = init.reason;
    this.advice = init.advice ?? "";
    this.retryable = init.retryable ?? false;
    this.retryAfter = init.retryAfter;
    this.metadata = init.metadata ?? {};
    this.told = init.told ?? false;
  }

  /** Whether the caller's own AbortSignal ended the call. */
  get aborted(): boolean {
    return this.code === Code.Canceled && !this.told && !this.retryable;
  }
}

/** Turns whatever a call threw into a VidmeshError. `endpoint` is named where nothing answers there. */
export function toVidmeshError(thrown: unknown, endpoint: string): VidmeshError {
  if (thrown instanceof VidmeshError) return thrown;
  // Connect wraps what an interceptor throws.
  if (thrown instanceof ConnectError && thrown.cause instanceof VidmeshError) return thrown.cause;
  const error = ConnectError.from(thrown);
  const info = error
    .findDetails(ErrorInfoSchema)
    .find((detail) => detail.domain === DOMAIN && detail.reason !== "");
  if (info === undefined) return untold(error, endpoint);
  const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  const { advice, retryable, ...metadata } = info.metadata;
  const known = handlingOf(info.reason);
  return new VidmeshError(error.rawMessage || known.title, {
    reason: info.reason,
    code: error.code,
    advice: advice ?? known.advice,
    retryable: retryable === undefined ? known.retryable : retryable === "true",
    retryAfter: delay && toSeconds(delay),
    metadata,
    told: true,
    cause: error,
  });
}

/** What the API says about a reason, by its name without prefix; empty for one that it does not name. */
export function handlingOf(reason: string): Handling {
  const value = ErrorReasonSchema.values.find((one) => one.name === `ERROR_REASON_${reason}`);
  return value === undefined ? create(HandlingSchema) : getOption(value, handling);
}

function untold(error: ConnectError, endpoint: string): VidmeshError {
  const { code, rawMessage } = error;
  const reason = statusName(code);
  // fetch throws a TypeError when nothing answers and when a connection is cut.
  const unreachable = error.cause instanceof TypeError;
  if (unreachable || code === Code.Unknown || code === Code.Internal) {
    const message = unreachable
      ? `Nothing answers at ${endpoint}.`
      : `The connection to ${endpoint} broke off.`;
    const advice = "Check the connection and that the mesh runs, then try again.";
    return new VidmeshError(message, {
      reason: "UNAVAILABLE",
      code: Code.Unavailable,
      advice,
      retryable: true,
      metadata: { detail: rawMessage },
      cause: error,
    });
  }
  if (code === Code.DeadlineExceeded) {
    return new VidmeshError(`${endpoint} did not answer in time.`, {
      reason,
      code,
      advice: "Try again; `vidmesh doctor` tells which part is slow or down.",
      retryable: true,
      cause: error,
    });
  }
  const known = handlingOf(reason);
  const message = [known.title || "The call failed.", rawMessage && `(${reason}: ${rawMessage})`]
    .filter(Boolean)
    .join(" ");
  return new VidmeshError(message, {
    reason,
    code,
    advice: known.advice,
    // The gateway answers so while a service restarts.
    retryable: known.retryable || code === Code.Unavailable,
    cause: error,
  });
}

/** A gRPC status by its name as gRPC writes it, such as "DEADLINE_EXCEEDED". */
function statusName(code: Code): string {
  if (code === Code.Canceled) return "CANCELLED";
  return ((Code[code] as string | undefined) ?? "UNKNOWN").replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}
