// What every call gets on its way: the token, a deadline, a request id, another try; and a VidmeshError where it fails.

import { clone, type DescMethod, type DescMessage, type DescService, type Message } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import {
  Code,
  ConnectError,
  createClient,
  type Client,
  type Interceptor,
  type Transport,
  type UnaryRequest,
} from "@connectrpc/connect";

import { toVidmeshError, VidmeshError } from "./error.js";
import { backoff, pause } from "./time.js";

/** A token, or what gives one for each call. */
export type TokenSource = string | (() => string | undefined | Promise<string | undefined>);

export interface CallOptions {
  endpoint: string;
  token: TokenSource | undefined;
  /** Milliseconds that a call which is no stream may take, each try on its own. */
  timeoutMs: number;
  /** How often a call is tried in all. */
  attempts: number;
}

/** A longer wait than this is the caller's to decide on. */
const LONGEST_WAIT_S = 10;

export function calls(options: CallOptions): Interceptor {
  return (next) => async (request) => {
    const token = typeof options.token === "function" ? await options.token() : options.token;
    if (token) request.header.set("authorization", `Bearer ${token}`);
    if (!request.stream) {
      const message = identified(request.method.input, request.message);
      return repeated({ ...request, message }, options, (one) => next(one));
    }
    return next({ ...request, message: identifiedAll(request.method.input, request.message) });
  };
}

/** A service's client whose calls and streams throw VidmeshError. */
export function speaking<Service extends DescService>(
  service: Service,
  transport: Transport,
  endpoint: string,
): Client<Service> {
  const client = createClient(service, transport);
  return new Proxy(client, {
    get(target, name, receiver) {
      const method: unknown = Reflect.get(target, name, receiver);
      if (typeof method !== "function") return method;
      return (...args: unknown[]): unknown => {
        const called: unknown = Reflect.apply(method, target, args);
        return called instanceof Promise
          ? settled(called, endpoint)
          : translated(called as AsyncIterable<unknown>, endpoint);
      };
    },
  });
}

async function settled<Response>(response: Promise<Response>, endpoint: string): Promise<Response> {
  try {
    return await response;
  } catch (thrown) {
    throw toVidmeshError(thrown, endpoint);
  }
}

async function repeated<Response>(
  request: UnaryRequest,
  options: CallOptions,
  send: (request: UnaryRequest) => Promise<Response>,
): Promise<Response> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await bounded(request, options.timeoutMs, send);
    } catch (thrown) {
      const error = toVidmeshError(thrown, options.endpoint);
      const wait = error.retryAfter === undefined ? backoff(attempt) : error.retryAfter * 1000;
      const again =
        attempt < options.attempts &&
        error.retryable &&
        error.code !== Code.DeadlineExceeded &&
        wait <= LONGEST_WAIT_S * 1000 &&
        isRepeatable(request.method, request.message);
      if (!again) throw error;
      await pause(wait, request.signal);
    }
  }
}

/** Sends with the default deadline, unless the caller has set one. */
async function bounded<Response>(
  request: UnaryRequest,
  timeoutMs: number,
  send: (request: UnaryRequest) => Promise<Response>,
): Promise<Response> {
  if (request.header.has("grpc-timeout")) return send(request);
  const header = new Headers(request.header);
  header.set("grpc-timeout", `${Math.ceil(timeoutMs)}m`);
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    return await send({ ...request, header, signal: AbortSignal.any([request.signal, deadline]) });
  } catch (thrown) {
    if (deadline.aborted && !request.signal.aborted) {
      throw new ConnectError("the deadline has passed", Code.DeadlineExceeded, undefined, undefined, thrown);
    }
    throw thrown;
  }
}

/** Whether sending a request twice has the effect of sending it once. */
function isRepeatable(method: DescMethod, message: Message): boolean {
  return method.idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN || "requestId" in message;
}

/** Gives a mutation that has no request_id a copy with a new one, so that a repeated send has one effect. */
function identified<M extends Message>(schema: DescMessage, message: M): M {
  if (!("requestId" in message) || message.requestId !== "") return message;
  return Object.assign(clone(schema, message), { requestId: uuid() }) as unknown as M;
}

async function* identifiedAll<M extends Message>(
  schema: DescMessage,
  messages: AsyncIterable<M>,
): AsyncGenerator<M> {
  for await (const message of messages) yield identified(schema, message);
}

async function* translated<M>(messages: AsyncIterable<M>, endpoint: string): AsyncGenerator<M> {
  try {
    yield* messages;
  } catch (thrown) {
    throw toVidmeshError(thrown, endpoint);
  }
}

/** A random UUID. crypto.randomUUID is missing where a page comes by plain HTTP from another machine. */
export function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** An error that the client itself makes of a stream that fell silent or ended too early. */
export function dropped(message: string): VidmeshError {
  return new VidmeshError(message, {
    reason: "UNAVAILABLE",
    code: Code.Unavailable,
    advice: "Follow it again; the work goes on meanwhile.",
    retryable: true,
  });
}
