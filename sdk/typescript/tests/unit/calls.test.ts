import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";

import { HealthCheckResponse_ServingStatus } from "../../src/gen/grpc/health/v1/health_pb.js";
import { readEndpoint, SERVICES, VidmeshError } from "../../src/index.js";
import { mesh, refusal } from "./mesh.js";

test("a call carries the token", async () => {
  let seen: string | null = null;
  const client = mesh({
    ingest: {
      getJob: (_, { requestHeader }) => {
        seen = requestHeader.get("authorization");
        return {};
      },
    },
  });
  await client.ingest.getJob({ jobId: "j" });
  expect(seen).toBe("Bearer secret");
});

test("a token that is asked for is asked for before each call", async () => {
  const seen: (string | null)[] = [];
  let number = 0;
  const client = mesh(
    {
      ingest: {
        getJob: (_, { requestHeader }) => {
          seen.push(requestHeader.get("authorization"));
          return {};
        },
      },
    },
    { token: () => `t${(number += 1)}` },
  );
  await client.ingest.getJob({});
  await client.ingest.getJob({});
  expect(seen).toEqual(["Bearer t1", "Bearer t2"]);
});

test("an error tells reason, advice, delay and particulars", async () => {
  const client = mesh({
    query: {
      search: () => {
        throw refusal(Code.ResourceExhausted, "RATE_LIMITED", {
          message: "Slow down.",
          advice: "Wait.",
          retryable: "true",
          seconds: 30,
          site: "x",
        });
      },
    },
  });
  const error: unknown = await client.search("bread").catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(VidmeshError);
  expect(error).toMatchObject({
    message: "Slow down.",
    reason: "RATE_LIMITED",
    code: Code.ResourceExhausted,
    advice: "Wait.",
    retryable: true,
    retryAfter: 30,
    metadata: { site: "x" },
    told: true,
  });
});

test("advice that the server leaves out comes from the API's own description", async () => {
  const client = mesh({
    ingest: {
      getJob: () => {
        throw refusal(Code.NotFound, "NOT_FOUND");
      },
    },
  });
  await expect(client.ingest.getJob({})).rejects.toMatchObject({
    advice: "Check the id, and that the token is of the right tenant.",
    retryable: false,
  });
});

test("what may be repeated is tried again, with the same request id", async () => {
  const seen: string[] = [];
  const client = mesh({
    ingest: {
      submitVideo: ({ requestId }) => {
        seen.push(requestId);
        if (seen.length < 3) {
          throw refusal(Code.Unavailable, "UNAVAILABLE", { retryable: "true", seconds: 0.001 });
        }
        return { job: { id: "j" } };
      },
    },
  });
  const { job } = await client.submit("https://example.org/a.mp4");
  expect(job.id).toBe("j");
  expect(seen).toHaveLength(3);
  expect(new Set(seen).size).toBe(1);
  expect(seen[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("what the server calls final is not tried again", async () => {
  let calls = 0;
  const client = mesh({
    ingest: {
      submitVideo: () => {
        calls += 1;
        throw refusal(Code.InvalidArgument, "INVALID_FIELD", { retryable: "false" });
      },
    },
  });
  await expect(client.submit("x")).rejects.toMatchObject({ reason: "INVALID_FIELD" });
  expect(calls).toBe(1);
});

test("a wait of minutes is left to the caller", async () => {
  let calls = 0;
  const client = mesh({
    ingest: {
      getJob: () => {
        calls += 1;
        throw refusal(Code.ResourceExhausted, "RATE_LIMITED", { retryable: "true", seconds: 300 });
      },
    },
  });
  await expect(client.ingest.getJob({})).rejects.toMatchObject({ retryAfter: 300 });
  expect(calls).toBe(1);
});

test("a call that takes too long ends", async () => {
  const client = mesh({ ingest: { getJob: () => new Promise(() => undefined) } }, { timeoutMs: 20 });
  await expect(client.ingest.getJob({})).rejects.toMatchObject({
    reason: "DEADLINE_EXCEEDED",
    retryable: true,
    told: false,
  });
});

test("the caller's own signal ends a call and is told as such", async () => {
  const client = mesh({ ingest: { getJob: () => new Promise(() => undefined) } });
  const stop = new AbortController();
  const call = client.ingest.getJob({}, { signal: stop.signal });
  stop.abort();
  await expect(call).rejects.toMatchObject({ reason: "CANCELLED", aborted: true, retryable: false });
});

test("nothing that answers is told with the endpoint", async () => {
  const { Vidmesh } = await import("../../src/index.js");
  const client = new Vidmesh({ endpoint: "http://127.0.0.1:1", attempts: 1 });
  await expect(client.ingest.getJob({})).rejects.toMatchObject({
    reason: "UNAVAILABLE",
    message: "Nothing answers at http://127.0.0.1:1.",
    retryable: true,
  });
});

test.each(["127.0.0.1:8080", "ftp://host", "http://host/path", "http://host?x=1"])(
  "%s is no endpoint",
  (text) => {
    expect(() => readEndpoint(text)).toThrow(TypeError);
  },
);

test("an endpoint loses the slash at its end", () => {
  expect(readEndpoint("http://host:8080/")).toBe("http://host:8080");
});

test("a service is asked for its health by name, and one that does not answer is not serving", async () => {
  const client = mesh({
    health: {
      check: (_, { requestHeader }) => {
        const service = requestHeader.get("x-vidmesh-service");
        if (service === "query") throw new ConnectError("no healthy upstream", Code.Unavailable);
        return {
          status:
            service === "ingest"
              ? HealthCheckResponse_ServingStatus.SERVING
              : HealthCheckResponse_ServingStatus.NOT_SERVING,
        };
      },
    },
  });
  const serving = await Promise.all(SERVICES.map((service) => client.isServing(service)));
  expect(serving).toEqual([true, false, false, false]);
});
