// Every page as it looks: wide, on a phone, dark, empty, in error, with long titles and text from right to left.

import { openAsBlob } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { create, StageState, StreamTranscriptResponseSchema, toBinary } from "@vidmesh/client";

import { client, expect, long, test } from "../browser/app";
import { answering, end, frame, portOf } from "../speed/frames";

const root = new URL("../../../../", import.meta.url);
const talk = fileURLToPath(new URL("samples/talk.mp4", root));
const folder = fileURLToPath(new URL("../../test-results/pictures/", import.meta.url));

const WIDE = { width: 1360, height: 850 };
const PHONE = { width: 390, height: 844 };

const LONG =
  "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft: what the minutes of its forty-second " +
  "annual meeting say about the weather, the river, and everybody who was late for it";
const RIGHT_TO_LEFT = "كيف تجد النحلات الأزهار؟";

async function shoot(page: Page, name: string): Promise<void> {
  await expect(page.locator(".waiting")).toHaveCount(0);
  // Pictures of pages that still move differ from one to the next.
  await page.waitForTimeout(400);
  await page.screenshot({ path: `${folder}${name}.png` });
}

/** The same of a page that still waits. */
async function shootWaiting(page: Page, name: string): Promise<void> {
  await expect(page.locator(".waiting").first()).toBeVisible();
  await page.screenshot({ path: `${folder}${name}.png` });
}

async function views(
  page: Page,
  name: string,
  views: string[] = ["wide", "dark", "phone", "phone-dark"],
  shot = shoot,
): Promise<void> {
  for (const view of views) {
    await page.setViewportSize(view.startsWith("phone") ? PHONE : WIDE);
    await page.emulateMedia({
      colorScheme: view.endsWith("dark") ? "dark" : "light",
      reducedMotion: "reduce",
    });
    await shot(page, `${name}-${view}`);
  }
}

async function ended(title: string): Promise<string> {
  const mesh = client();
  const upload = await mesh.upload(await openAsBlob(talk), { filename: "talk.mp4" });
  const { job } = await mesh.submit(upload, { title, force: true });
  const events = mesh.watch(job.id);
  while (!(await events.next()).done);
  return job.videoId;
}

let farm = "";

test.beforeAll(async () => {
  test.setTimeout(600_000);
  const mesh = client();
  farm = await ended("Four things on a small farm");
  const { folder: made } = await mesh.query.createFolder({ name: `Talks ${Date.now() % 1000}` });
  await mesh.query.updateVideo({
    videoId: farm,
    folderId: made?.id ?? "",
    tags: { names: ["farm", "bees"] },
  });
  await mesh.submit("http://127.0.0.1:9/not-there.mp4", { title: LONG });
  await mesh.submit("http://127.0.0.1:9/either.mp4", { title: RIGHT_TO_LEFT });
});

test("adding and jobs", async ({ app: { page, open } }) => {
  await open("/");
  await page.setInputFiles("input[type=file]", talk);
  await expect(page.getByRole("article").first()).toBeVisible();
  await views(page, "add");
});

test("a video", async ({ app: { page, open } }) => {
  await open(`/watch/${farm}`);
  const ready = () => page.evaluate(() => document.querySelector("video")?.readyState ?? 0);
  await expect.poll(ready).toBeGreaterThan(1);
  await expect(page.locator(".row").first()).toBeVisible();
  await page.getByRole("searchbox").fill("bees");
  await page.locator("h1").click();
  await page.keyboard.press("3");
  await views(page, "watch");
  await page.setViewportSize(WIDE);
  await page.getByRole("tab", { name: /Chapters/ }).click();
  await views(page, "watch-chapters", ["wide", "phone"]);
});

test("searching and asking", async ({ app: { page, open } }) => {
  await open("/search?q=bees%20dance");
  await expect(page.locator(".hit").first()).toBeVisible();
  await views(page, "search");
  await page.setViewportSize(WIDE);
  await open("/ask");
  await page.getByLabel("Your question").fill("How do the bees show each other which way to go?");
  await page.keyboard.press("Enter");
  await expect(page.locator(".source").first()).toBeVisible();
  await views(page, "ask");
});

test("the library and the system", async ({ app: { page, open } }) => {
  await open("/library");
  await page.getByRole("checkbox").first().check();
  await views(page, "library");
  await page.setViewportSize(WIDE);
  await page.keyboard.press("?");
  await views(page, "keys", ["wide"]);
  await open("/system");
  await expect(page.getByText("Serving").first()).toBeVisible();
  const letters = page.getByRole("list", { name: /^Dead letters/ });
  await letters.getByText("What it says").first().click();
  await expect(letters.locator("pre")).toContainText("127.0.0.1:9");
  await views(page, "letters", undefined, async (page, name) => {
    await letters.evaluate((list) => list.scrollIntoView({ block: "center" }));
    await shoot(page, name);
  });
  await page.evaluate(() => {
    scrollTo(0, 0);
  });
  await views(page, "system");
});

test("what opens over a page", async ({ app: { page, open } }) => {
  await open(`/watch/${farm}`);
  await expect(page.locator(".row").first()).toBeVisible();
  await page.locator(".row").nth(3).hover();
  await page
    .getByRole("button", { name: /^Correct the line/ })
    .nth(3)
    .click();
  await page.getByText("Another summary").click();
  await views(page, "watch-edit", ["wide", "dark", "phone"]);
  await page.setViewportSize(WIDE);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Export" }).click();
  await views(page, "export", ["wide"]);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Rename the video" }).click();
  await views(page, "rename", ["wide", "phone"]);
  await open("/ask");
  await page.getByLabel("Your question").fill("How do the bees show each other which way to go?");
  await page.keyboard.press("Enter");
  await page.locator(".cite").first().hover();
  await expect(page.locator(".hover-card")).toBeVisible();
  await views(page, "citation", ["wide", "dark"]);
  await page.getByLabel("Your question").fill("Which moons does Neptune have?");
  await page.keyboard.press("Enter");
  await expect(page.getByText("Not in your videos")).toBeVisible();
  await views(page, "not-found", ["wide", "phone"]);
  await open("/search?q=zzzz");
  await expect(page.getByText("Nothing was found")).toBeVisible();
  await views(page, "search-nothing", ["wide", "phone"]);
});

test.describe("at work", () => {
  test.use({ tenant: "jobs" });
  test.afterEach(async () => {
    const mesh = client("jobs");
    for await (const job of mesh.jobs()) await mesh.ingest.deleteVideo({ videoId: job.videoId });
  });
  test("a file on its way, and a job that is seen live", async ({ app: { page, open } }) => {
    await open("/");
    let writes = 0;
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route("**/vidmesh.ingest.v1.IngestService/WriteUpload", async (route) => {
      writes += 1;
      if (writes > 4) await held;
      await route.continue();
    });
    await page.setInputFiles("input[type=file]", long());
    await expect(page.getByLabel("Uploads")).toContainText("of");
    await expect.poll(() => writes).toBeGreaterThan(4);
    await views(page, "upload", ["wide", "phone"]);
    await page.setViewportSize(WIDE);
    release();
    await expect(page.locator(".job-words")).not.toBeEmpty();
    await views(page, "live");
    await page.setViewportSize(WIDE);
    await page.getByRole("link", { name: /^Open / }).click();
    await expect(page.locator(".row").first()).toBeVisible();
    await page.screenshot({ path: `${folder}watch-live-wide.png` });
    await page.getByRole("link", { name: "System" }).click();
    await expect(page.getByRole("cell", { name: /%/ })).toBeVisible();
    await views(page, "system-live", ["wide", "phone"]);
  });
});

test("while a page loads", async ({ app: { page, open } }) => {
  await page.route(/(ListVideos|ListJobs|StreamTranscript|GetMedia|StreamSummary|ListModels|Search)$/, () => {
    // Never answered.
  });
  for (const name of ["", "library", "search?q=bees", "system"]) {
    await page.setViewportSize(WIDE);
    await open(`/${name}`);
    await views(
      page,
      `loading-${name === "" ? "add" : (name.split("?")[0] ?? "")}`,
      ["wide", "phone"],
      shootWaiting,
    );
  }
  await page.setViewportSize(WIDE);
  await open(`/watch/${farm}`);
  await views(page, "loading-watch", ["wide", "phone", "dark"], shootWaiting);
});

test.describe("with nothing", () => {
  test.use({ tenant: "jobs" });
  test("empty pages", async ({ app: { page, open } }) => {
    for (const name of ["", "library", "search", "ask", "system"]) {
      await page.setViewportSize(WIDE);
      await open(`/${name}`);
      await views(page, `empty-${name || "add"}`, ["wide", "phone"]);
    }
    await open("/watch/no/where");
    await views(page, "lost", ["wide"]);
  });
});

test("signing in", async ({ app: { page } }) => {
  await page.goto(process.env.VIDMESH_ENDPOINT ?? "");
  await views(page, "sign-in", ["wide", "phone-dark"]);
});

test("errors", async ({ app: { page, open }, wire }) => {
  await open("/", wire.origin);
  for (const name of ["Library", "Search", "Ask", "System"]) await page.getByRole("link", { name }).click();
  await page.getByRole("link", { name: "Add" }).click();
  await expect(page.getByRole("button", { name: "Choose files" })).toBeVisible();
  await wire.cut();
  await expect(page.getByText("The connection is lost")).toBeVisible();
  await views(page, "error-add", ["wide", "phone"]);
  for (const name of ["Library", "System"]) {
    await page.setViewportSize(WIDE);
    await page.getByRole("link", { name }).click();
    await expect(page.getByRole("alert").first()).toBeVisible();
    await views(page, `error-${name.toLowerCase()}`, ["wide", "phone"]);
  }
  await open("/watch/00000000-0000-4000-8000-000000000000");
  await expect(page.getByRole("alert")).toBeVisible();
  await views(page, "error-watch", ["wide", "phone"]);
});

test("text from right to left", async ({ app: { page, open } }) => {
  const words = "في الصباح عندما تكون الشمس دافئة تطير النحلات بحثا عن الأزهار".split(" ");
  const at = (seconds: number) => ({
    seconds: BigInt(Math.floor(seconds)),
    nanos: Math.round((seconds % 1) * 1e9),
  });
  const server = await answering({
    StreamTranscript: (response) => {
      const transcript = {
        jobId: "j",
        videoId: farm,
        language: "ar",
        duration: at(150),
        state: StageState.SUCCEEDED,
      };
      const pack = (message: Parameters<typeof create<typeof StreamTranscriptResponseSchema>>[1]) =>
        frame(toBinary(StreamTranscriptResponseSchema, create(StreamTranscriptResponseSchema, message)));
      response.write(pack({ message: { case: "transcript", value: transcript } }));
      for (let index = 0; index < 20; index += 1) {
        const start = index * 6;
        const value = {
          index,
          start: at(start),
          end: at(start + 5),
          text: words.join(" "),
          words: words.map((text, place) => ({
            text,
            start: at(start + place * 0.4),
            end: at(start + place * 0.4 + 0.3),
          })),
        };
        response.write(pack({ message: { case: "segment", value } }));
      }
      response.end(end());
    },
  });
  await page.route("**/StreamTranscript", (route) =>
    route.continue({ url: `http://127.0.0.1:${portOf(server)}/StreamTranscript` }),
  );
  await client().query.updateVideo({ videoId: farm, title: RIGHT_TO_LEFT });
  await open(`/watch/${farm}`);
  await expect(page.locator(".row").first()).toBeVisible();
  await page.keyboard.press("2");
  await views(page, "right-to-left", ["wide", "phone"]);
  await client().query.updateVideo({ videoId: farm, title: LONG });
  await page.reload();
  await expect(page.locator(".row").first()).toBeVisible();
  await views(page, "long-title", ["wide", "phone"]);
  server.close();
});
