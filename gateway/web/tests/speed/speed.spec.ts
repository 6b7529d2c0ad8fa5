// How large and how fast the app is. Prints figures.

import { gzipSync } from "node:zlib";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { CDPSession, Page } from "@playwright/test";
import {
  create,
  JobState,
  ListJobsResponseSchema,
  Stage,
  StageState,
  StreamTranscriptResponseSchema,
  toBinary,
  WatchJobsResponseSchema,
} from "@vidmesh/client";

import { expect, test, video } from "../browser/app";
import { answering, end, frame, portOf } from "./frames";

const dist = fileURLToPath(new URL("../../dist/", import.meta.url));

const said = (text: string) => {
  console.log(`    ${text}`);
};

async function redirect(page: Page, service: string, methods: string[], port: number): Promise<void> {
  for (const method of methods) {
    await page.route(`**/vidmesh.${service}/${method}`, (route) =>
      route.continue({ url: `http://127.0.0.1:${port}/${method}` }),
    );
  }
}

async function busy(session: CDPSession, seconds: number): Promise<number> {
  const taken = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find((one) => one.name === "TaskDuration")?.value ?? 0;
  };
  const before = await taken();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  return ((await taken()) - before) / seconds;
}

test("size and first load", async ({ app: { page, open } }) => {
  const files = readdirSync(`${dist}assets`).filter((name) => name.endsWith(".js"));
  const sizes = files.map((name) => gzipSync(readFileSync(`${dist}assets/${name}`), { level: 9 }).length);
  said(
    `JavaScript in all: ${(sizes.reduce((sum, size) => sum + size, 0) / 1000).toFixed(1)} kB gzipped, ${files.length} files`,
  );
  const began = Date.now();
  await open("/");
  await expect(page.getByRole("button", { name: "Choose files" })).toBeEnabled();
  said(`interactive ${Date.now() - began} ms after the address was given`);
  const sent = await page.evaluate(() =>
    performance
      .getEntriesByType("resource")
      .map((one) => one as PerformanceResourceTiming)
      .filter((one) => one.name.endsWith(".js"))
      .reduce((sum, one) => sum + one.encodedBodySize, 0),
  );
  said(`JavaScript of the first page: ${(sent / 1000).toFixed(1)} kB as sent`);
});

test("a transcript of 20,000 segments", async ({ app: { page, open } }) => {
  const count = 20_000;
  const words = "what was said in this talk about bread and yeast goes on and on".split(" ");
  const at = (seconds: number) => ({
    seconds: BigInt(Math.floor(seconds)),
    nanos: Math.round((seconds % 1) * 1e9),
  });
  const duration = at(count * 4);
  const state = (done: boolean) => ({
    case: "transcript" as const,
    value: { jobId: "j", videoId: "v", duration, state: done ? StageState.SUCCEEDED : StageState.RUNNING },
  });
  const pack = (message: Parameters<typeof create<typeof StreamTranscriptResponseSchema>>[1]) =>
    frame(toBinary(StreamTranscriptResponseSchema, create(StreamTranscriptResponseSchema, message)));
  const server = await answering({
    StreamTranscript: (response) => {
      response.write(pack({ message: state(false) }));
      for (let index = 0; index < count; index += 1) {
        const start = index * 4;
        const value = {
          index,
          start: at(start),
          end: at(start + 3.8),
          text: words.join(" "),
          words: words.map((text, place) => ({
            text,
            start: at(start + place * 0.25),
            end: at(start + place * 0.25 + 0.2),
          })),
        };
        response.write(pack({ message: { case: "segment", value } }));
      }
      response.write(pack({ message: state(true) }));
      response.end(end());
    },
  });
  await redirect(page, "transcribe.v1.TranscribeService", ["StreamTranscript"], portOf(server));
  // The recording that the mesh keeps is shorter than this transcript.
  await page.route("**/vidmesh.ingest.v1.IngestService/GetMedia", (route) => route.abort());
  const began = Date.now();
  await open(`/watch/${video()}`);
  await expect(page.getByText("20,000 segments")).toBeVisible({ timeout: 120_000 });
  said(`all 20,000 segments are there after ${Date.now() - began} ms`);
  const seeks = await page.evaluate(async (length) => {
    const slider = document.querySelector<HTMLInputElement>(".seek");
    const times: number[] = [];
    for (let turn = 0; turn < 40 && slider !== null; turn += 1) {
      const moment = Math.floor(Math.random() * (length / 4)) * 4 + 1;
      const before = performance.now();
      slider.value = String(moment);
      slider.dispatchEvent(new InputEvent("input", { bubbles: true }));
      // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- ends by break
      while (true) {
        await new Promise(requestAnimationFrame);
        const row = document.querySelector(".row.active")?.getBoundingClientRect();
        if (row !== undefined && row.top > 0 && row.bottom < innerHeight) break;
      }
      times.push(performance.now() - before);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return times.sort((one, other) => one - other);
  }, count * 4);
  said(
    `a seek shows its words after ${seeks[20]?.toFixed(0)} ms (median of 40), at most ${seeks.at(-1)?.toFixed(0)} ms`,
  );
  const frames = await page.evaluate(async () => {
    const box = document.querySelector(".transcript-rows");
    const gaps: number[] = [];
    let last = performance.now();
    for (let turn = 0; turn < 300 && box !== null; turn += 1) {
      box.scrollTop += 90;
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      gaps.push(now - last);
      last = now;
    }
    return gaps.sort((one, other) => one - other);
  });
  const mean = frames.reduce((sum, gap) => sum + gap, 0) / frames.length;
  said(
    `scrolling: ${(1000 / mean).toFixed(0)} frames a second, 95 of 100 within ${frames[285]?.toFixed(1)} ms`,
  );
  server.close();
});

test("a hundred live jobs", async ({ app: { page, open } }) => {
  const ids = Array.from({ length: 100 }, (_, place) => `job-${place}`);
  const jobs = ids.map((id) => ({
    id,
    videoId: `video-${id}`,
    title: `The talk ${id}`,
    source: "https://example.org/talk.mp4",
    state: JobState.RUNNING,
    stages: [{ stage: Stage.TRANSCRIBE, state: StageState.RUNNING }],
  }));
  let sequence = 1n;
  let round = 0;
  const stops: ReturnType<typeof setInterval>[] = [];
  const server = await answering({
    ListJobs: (response) => {
      response.write(frame(toBinary(ListJobsResponseSchema, create(ListJobsResponseSchema, { jobs }))));
      response.end(end());
    },
    WatchJobs: (response) => {
      const tell = () => {
        round += 1;
        for (const jobId of ids) {
          sequence += 1n;
          const value = {
            stage: Stage.TRANSCRIBE,
            done: round % 3600,
            total: 3600,
            unit: "seconds",
            rate: 8,
          };
          const event = {
            sequence,
            jobId,
            stage: Stage.TRANSCRIBE,
            event: { case: "stageProgress" as const, value },
          };
          const message = create(WatchJobsResponseSchema, { message: { case: "event", value: event } });
          response.write(frame(toBinary(WatchJobsResponseSchema, message)));
        }
      };
      stops.push(setInterval(tell, 1000));
    },
  });
  await redirect(page, "ingest.v1.IngestService", ["ListJobs", "WatchJobs"], portOf(server));
  await open("/");
  await expect(page.getByRole("article")).toHaveCount(100);
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  await page.waitForTimeout(3000);
  said(`100 live jobs, one event a second each: ${((await busy(session, 20)) * 100).toFixed(1)} % of a core`);
  const heap = async () => {
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    return usedSize / 1e6;
  };
  const before = await heap();
  await page.waitForTimeout(60_000);
  const after = await heap();
  said(`memory after a minute of 6,000 events: ${before.toFixed(1)} MB before, ${after.toFixed(1)} MB after`);
  stops.forEach(clearInterval);
  server.closeAllConnections();
  server.close();
});
