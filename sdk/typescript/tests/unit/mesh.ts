// A mesh of the test's own making, over Connect's in-memory transport: the real client against handlers given by the test.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createRouterTransport, type ServiceImpl } from "@connectrpc/connect";

import { Vidmesh, type VidmeshOptions } from "../../src/index.js";
import { ErrorInfoSchema, RetryInfoSchema } from "../../src/gen/google/rpc/error_details_pb.js";
import { Health } from "../../src/gen/grpc/health/v1/health_pb.js";
import { IngestService } from "../../src/gen/vidmesh/ingest/v1/ingest_service_pb.js";
import { QueryService } from "../../src/gen/vidmesh/query/v1/query_service_pb.js";
import { TranscribeService } from "../../src/gen/vidmesh/transcribe/v1/transcribe_service_pb.js";

export interface Handlers {
  health?: Partial<ServiceImpl<typeof Health>>;
  ingest?: Partial<ServiceImpl<typeof IngestService>>;
  query?: Partial<ServiceImpl<typeof QueryService>>;
  transcribe?: Partial<ServiceImpl<typeof TranscribeService>>;
}

export function mesh(handlers: Handlers, options: Partial<VidmeshOptions> = {}): Vidmesh {
  return new Vidmesh({
    endpoint: "http://mesh.test",
    token: "secret",
    transport: ({ interceptors }) =>
      createRouterTransport(
        ({ service }) => {
          service(Health, handlers.health ?? {});
          service(IngestService, handlers.ingest ?? {});
          service(QueryService, handlers.query ?? {});
          service(TranscribeService, handlers.transcribe ?? {});
        },
        { transport: { interceptors } },
      ),
    ...options,
  });
}

/** An error as vidmesh's services send it. */
export function refusal(
  code: Code,
  reason: string,
  {
    message = "refused",
    seconds,
    ...metadata
  }: { message?: string; seconds?: number; [key: string]: unknown } = {},
): ConnectError {
  const info: MessageInitShape<typeof ErrorInfoSchema> = {
    domain: "vidmesh",
    reason,
    metadata: metadata as Record<string, string>,
  };
  const retryDelay = durationFrom(seconds ?? 0);
  return new ConnectError(message, code, undefined, [
    { desc: ErrorInfoSchema, value: info },
    ...(seconds === undefined ? [] : [{ desc: RetryInfoSchema, value: { retryDelay } }]),
  ]);
}

function durationFrom(seconds: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.floor(seconds)), nanos: Math.round((seconds % 1) * 1e9) };
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
