import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";

import { JobState, StageState, type WatchMessage } from "../../src/index.js";
import { all, mesh, refusal } from "./mesh.js";

const event = (sequence: bigint, kind: "jobAccepted" | "jobEnded" | "jobRetried" | "sourceOpened") =>
  ({ message: { case: "event", value: { sequence, event: { case: kind, value: {} } } } }) as const;

const sequences = (messages: WatchMessage[]) => messages.map(({ value }) => value.sequence);

test("a watch that breaks goes on after the last event, and gives none twice", async () => {
  const asked: bigint[] = [];
  const client = mesh({
    ingest: {
      async *watchJob({ afterSequence }) {
        await Promise.resolve();
        asked.push(afterSequence);
        if (asked.length === 1) {
          yield event(5n, "jobAccepted");
          yield event(6n, "sourceOpened");
          throw new ConnectError("torn", Code.Unavailable);
        }
        yield event(6n, "sourceOpened");
        yield { message: { case: "heartbeat", value: {} } };
        yield event(9n, "jobEnded");
      },
    },
  });
  const breaks: string[] = [];
  const seen = await all(client.watch("j", { onBreak: (error) => breaks.push(error.reason) }));
  expect(sequences(seen)).toEqual([5n, 6n, 9n]);
  expect(asked).toEqual([0n, 6n]);
  expect(breaks).toEqual(["UNAVAILABLE"]);
});

test("a stream that ends before its job is opened again", async () => {
  let opened = 0;
  const client = mesh({
    ingest: {
      async *watchJob() {
        await Promise.resolve();
        opened += 1;
        if (opened === 2) yield event(2n, "jobEnded");
      },
      getJob: () => ({ job: { state: JobState.RUNNING } }),
    },
  });
  expect(sequences(await all(client.watch("j")))).toEqual([2n]);
});

test("a retried job is watched on to its next end", async () => {
  const client = mesh({
    ingest: {
      async *watchJob() {
        await Promise.resolve();
        yield event(1n, "jobEnded");
        yield event(2n, "jobRetried");
        yield event(3n, "jobEnded");
      },
    },
  });
  expect(sequences(await all(client.watch("j", { after: 0n })))).toEqual([1n, 2n, 3n]);
});

test("what trying again cannot mend is thrown at once", async () => {
  const client = mesh({
    ingest: {
      // eslint-disable-next-line require-yield -- it refuses before it has anything to give
      async *watchJob() {
        await Promise.resolve();
        throw refusal(Code.NotFound, "NOT_FOUND", { retryable: "false" });
      },
    },
  });
  await expect(all(client.watch("none"))).rejects.toMatchObject({ reason: "NOT_FOUND" });
});

test("a break that lasts longer than the caller's patience is thrown", async () => {
  const client = mesh({
    ingest: {
      // eslint-disable-next-line require-yield -- it breaks before it has anything to give
      async *watchJob() {
        await Promise.resolve();
        throw new ConnectError("torn", Code.Unavailable);
      },
    },
  });
  await expect(all(client.watch("j", { patienceMs: -1 }))).rejects.toMatchObject({ retryable: true });
});

test("a watch of all jobs says when it is open, and goes on after what a heartbeat says is told", async () => {
  const said: string[] = [];
  const client = mesh({
    ingest: {
      async *watchJobs({ afterSequence }) {
        await Promise.resolve();
        said.push(`from ${afterSequence}`);
        yield { message: { case: "heartbeat", value: { sequence: 5n } } } as const;
        if (afterSequence === 0n) throw new ConnectError("torn", Code.Unavailable);
        yield event(6n, "jobAccepted");
      },
    },
  });
  const options = { onOpen: () => said.push("open"), onBreak: () => said.push("broken") };
  for await (const message of client.watchAll(options)) {
    expect(message.value.sequence).toBe(6n);
    break;
  }
  expect(said).toEqual(["from 0", "open", "broken", "from 5", "open"]);
});

test("a fact that a new bus tells again is told once", async () => {
  const fact = (sequence: bigint, number: bigint) => {
    const { message } = event(sequence, "jobRetried");
    return { message: { ...message, value: { ...message.value, number } } };
  };
  const turns = [
    [fact(5n, 1n), fact(7n, 2n)],
    [fact(101n, 1n), fact(102n, 2n), fact(103n, 3n), event(104n, "jobEnded")],
  ];
  const client = mesh({
    ingest: {
      async *watchJob() {
        await Promise.resolve();
        yield* turns.shift() ?? [];
        if (turns.length > 0) throw new ConnectError("torn", Code.Unavailable);
      },
    },
  });
  expect(sequences(await all(client.watch("j")))).toEqual([5n, 7n, 103n, 104n]);
});

test("leaving a watch closes its stream", async () => {
  let closed = false;
  const client = mesh({
    ingest: {
      async *watchJobs(_, { signal }) {
        signal.addEventListener("abort", () => (closed = true));
        yield event(1n, "jobAccepted");
        await new Promise((resolve) => {
          signal.addEventListener("abort", resolve);
        });
      },
    },
  });
  for await (const message of client.watchAll()) {
    expect(message.value.sequence).toBe(1n);
    break;
  }
  await expect.poll(() => closed).toBe(true);
});

test("a transcript that breaks off goes on at its last segment", async () => {
  const asked: (bigint | undefined)[] = [];
  const segment = (index: number) =>
    ({
      message: {
        case: "segment",
        value: { index, text: `s${index}`, start: { seconds: BigInt(index * 2) } },
      },
    }) as const;
  const state = (state: StageState) =>
    ({ message: { case: "transcript", value: { jobId: "j", state } } }) as const;
  const client = mesh({
    transcribe: {
      async *streamTranscript({ start }) {
        await Promise.resolve();
        asked.push(start?.seconds);
        yield state(StageState.RUNNING);
        if (asked.length === 1) {
          yield segment(0);
          yield segment(1);
          throw new ConnectError("torn", Code.Unavailable);
        }
        yield segment(1);
        yield segment(2);
        yield state(StageState.SUCCEEDED);
      },
    },
  });
  const seen = await all(client.transcript("v"));
  expect(seen.flatMap((one) => (one.case === "segment" ? [one.value.text] : []))).toEqual(["s0", "s1", "s2"]);
  expect(asked).toEqual([undefined, 2n]);
});
