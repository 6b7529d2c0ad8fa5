// The client against a whole mesh through its gateway: VIDMESH_ENDPOINT and VIDMESH_TOKEN name it.

import { openAsBlob } from "node:fs";
import { expect, inject, test } from "vitest";

import {
  hasEnded,
  SERVICES,
  StageState,
  Vidmesh,
  type JobEvent,
  type UploadProgress,
} from "../../src/index.js";

const recording = new URL("../../../../tests/data/grammar.flac", import.meta.url);

const client = (token = inject("token")) => new Vidmesh({ endpoint: inject("endpoint"), token });

test("a file becomes a transcript, a summary, hits and an answer", { timeout: 120_000 }, async () => {
  const vidmesh = client();
  const told: UploadProgress[] = [];
  const upload = await vidmesh.upload(await openAsBlob(recording), {
    filename: "grammar.flac",
    onProgress: (one) => told.push(one),
  });
  expect(told.at(-1)?.sent).toBe(told.at(-1)?.size);

  const { job } = await vidmesh.submit(upload, { force: true, title: "The grammar" });
  const events: JobEvent[] = [];
  for await (const message of vidmesh.watch(job.id)) {
    if (message.case === "event") events.push(message.value);
  }
  expect(events[0]?.event.case).toBe("jobAccepted");
  expect(events.at(-1)?.event.case).toBe("jobEnded");
  const sequences = events.map((event) => event.sequence);
  expect(sequences).toEqual([...new Set(sequences)].sort((one, other) => Number(one - other)));

  const heard: string[] = [];
  let state: StageState | undefined;
  for await (const message of vidmesh.transcript(job.videoId)) {
    if (message.case === "segment") heard.push(message.value.text);
    else state = message.value.state;
  }
  expect(state).toBe(StageState.SUCCEEDED);
  expect(heard.length).toBeGreaterThan(3);
  const pages: string[] = [];
  for await (const segment of vidmesh.segments(job.videoId)) pages.push(segment.text);
  expect(pages).toEqual(heard);

  let summary = "";
  for await (const message of vidmesh.summary(job.videoId)) {
    if (message.case === "summary") summary = message.value.text;
  }
  expect(summary).not.toBe("");

  const scope = { videoIds: [job.videoId] };
  const word = /\p{L}{6,}/u.exec(heard.join(" "))?.[0] ?? "";
  const { hits } = await vidmesh.search(word, { scope });
  expect(hits[0]?.videoId).toBe(job.videoId);

  const kinds: string[] = [];
  for await (const message of vidmesh.ask(`What is said about ${word}?`, { scope })) kinds.push(message.case);
  expect(kinds[0]).toBe("retrieved");
  expect(kinds.at(-1)).toBe("answer");

  const ended: boolean[] = [];
  for await (const one of vidmesh.jobs({ videoId: job.videoId })) ended.push(hasEnded(one));
  expect(ended).toContain(true);

  await vidmesh.ingest.deleteVideo({ videoId: job.videoId });
  await expect(vidmesh.ingest.getJob({ jobId: job.id })).rejects.toMatchObject({
    reason: "NOT_FOUND",
    told: true,
  });
});

test("a watch goes on after a sequence", { timeout: 120_000 }, async () => {
  const vidmesh = client();
  const { job } = await vidmesh.submit(await vidmesh.upload(await openAsBlob(recording)), { force: true });
  const seen: bigint[] = [];
  for await (const { value } of vidmesh.watch(job.id)) {
    seen.push(value.sequence);
    if (seen.length === 3) break;
  }
  for await (const { value } of vidmesh.watch(job.id, { after: seen.at(-1) })) seen.push(value.sequence);
  expect(new Set(seen).size).toBe(seen.length);
  await vidmesh.ingest.deleteVideo({ videoId: job.videoId });
});

test("a wrong token is told with its reason", async () => {
  await expect(client("wrong").ingest.listJobs({})).rejects.toMatchObject({
    reason: "UNAUTHENTICATED",
    retryable: false,
    told: true,
  });
});

test("every service is serving, and tells its version to those with a token", async () => {
  const health = await Promise.all(SERVICES.map((service) => client().health(service)));
  const version = expect.stringMatching(/^\d+\.\d+\.\d+/) as string;
  expect(health).toEqual(SERVICES.map(() => ({ serving: true, version })));
  expect(await client("wrong").health("query")).toEqual({ serving: true, version: "" });
});
