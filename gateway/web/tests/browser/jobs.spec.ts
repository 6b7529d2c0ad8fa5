// Adding, and jobs as they go.

import type { Page } from "@playwright/test";
import { JobState } from "@vidmesh/client";

import { client, expect, long, recording, test } from "./app";

// A tenant of its own: what comes and goes here is in nobody's library.
test.use({ tenant: "jobs" });

/** Takes every job of the long recording away, so that the next test begins it anew. */
test.afterEach(async () => {
  const mesh = client("jobs");
  for await (const job of mesh.jobs()) await mesh.ingest.deleteVideo({ videoId: job.videoId });
});

const job = (page: Page, title: string) => page.getByRole("article").filter({ hasText: title });

test("a file is sent, and its job is seen live, through a reload, once", async ({ app: { page, open } }) => {
  await open("/");
  await page.setInputFiles("input[type=file]", long());
  const card = job(page, "long");
  await expect(card.getByRole("progressbar", { name: "Transcribe" })).toHaveAttribute("aria-valuetext", /%/);
  await expect(card.locator(".job-words")).not.toBeEmpty();
  const before = await card.getByRole("progressbar", { name: "Transcribe" }).getAttribute("aria-valuenow");
  await page.reload();
  await expect(card).toHaveCount(1);
  // What only events tell is there at once after the reload, and goes on from there.
  await expect(card.locator(".job-words")).not.toBeEmpty();
  const progress = card.getByRole("progressbar", { name: "Transcribe" });
  await expect
    .poll(async () => Number(await progress.getAttribute("aria-valuenow")))
    .toBeGreaterThan(Number(before));
});

test("a job is cancelled and taken up again", async ({ app: { page, open } }) => {
  await open("/");
  await page.setInputFiles("input[type=file]", long());
  const card = job(page, "long");
  await card.getByRole("button", { name: "Cancel" }).click();
  await expect(card.getByText("Cancelled", { exact: true })).toBeVisible();
  await card.getByRole("button", { name: "Retry" }).click();
  await expect(card.getByText("At work", { exact: true })).toBeVisible();
});

test("a link is fetched; where that fails it says why, and a retry takes it up again", async ({
  app: { page, open },
  site,
}) => {
  await open("/");
  await page.getByLabel("Links to videos, one or many").fill(`${site.origin}/talk.flac`);
  await page.getByRole("button", { name: "Add link" }).click();
  const card = job(page, `${site.origin}/talk.flac`);
  await expect(card.getByText("Failed", { exact: true })).toBeVisible();
  await expect(card.locator(".note.bad")).toContainText("404");
  site.files.set("/talk.flac", recording());
  await card.getByRole("button", { name: "Retry" }).click();
  await expect(job(page, "/talk.flac").getByText("Done", { exact: true })).toBeVisible();
});

test("many links are added at once", async ({ app: { page, open }, site }) => {
  await open("/");
  const links = ["one", "two", "three"].map((name) => `${site.origin}/${name}.flac`);
  await page.getByLabel("Links to videos, one or many").fill(`See ${links.join(", and ")}.`);
  await page.getByRole("button", { name: "Add 3 links" }).click();
  for (const link of links) await expect(job(page, link).getByText("Failed", { exact: true })).toBeVisible();
});

test("what is no link is refused with the reason", async ({ app: { page, open } }) => {
  await open("/");
  const links = page.getByLabel("Links to videos, one or many");
  await links.fill("no link at all");
  await expect(page.getByRole("button", { name: "Add link" })).toBeDisabled();
  await links.fill("http://[bad/talk.mp4");
  await page.getByRole("button", { name: "Add link" }).click();
  await expect(page.getByRole("alert")).toContainText("http://[bad/talk.mp4");
  await expect(links).toHaveValue("http://[bad/talk.mp4");
});

test("an upload goes on where a cut of the network left it", async ({ app: { page, open }, wire }) => {
  await open("/", wire.origin);
  let writes = 0;
  await page.route("**/vidmesh.ingest.v1.IngestService/WriteUpload", async (route) => {
    writes += 1;
    if (writes === 4) await wire.cut();
    await route.continue();
  });
  await page.setInputFiles("input[type=file]", long());
  await expect(page.getByLabel("Uploads")).toContainText("The connection is lost");
  await wire.mend();
  await expect(job(page, "long")).toHaveCount(1);
});

test("an upload that a reload cut off goes on with the same file", async ({ app: { page, open } }) => {
  await open("/");
  const offsets: number[] = [];
  let hold = true;
  await page.route("**/vidmesh.ingest.v1.IngestService/WriteUpload", async (route) => {
    offsets.push(offsets.length);
    if (hold && offsets.length > 3) return; // never answered: the reload cuts it off
    await route.continue();
  });
  await page.setInputFiles("input[type=file]", long());
  await expect.poll(() => offsets.length).toBeGreaterThan(3);
  hold = false;
  await page.reload();
  await expect(page.getByLabel("Uploads")).toContainText("Cut off at");
  const before = offsets.length;
  await page.setInputFiles("input[type=file]", long());
  await expect(job(page, "long")).toHaveCount(1);
  // Nine chunks in all, of which three had arrived.
  expect(offsets.length - before).toBeLessThan(8);
});

test("a cut of the network is told, and what was missed comes after it", async ({
  app: { page, open },
  wire,
}) => {
  await open("/", wire.origin);
  await page.setInputFiles("input[type=file]", long());
  const card = job(page, "long");
  await expect(card.locator(".job-words")).not.toBeEmpty();
  const lost = page.getByText("The connection is lost. It is");
  await wire.cut();
  await expect(lost).toBeVisible();
  const progress = card.getByRole("progressbar", { name: "Transcribe" });
  const before = Number(await progress.getAttribute("aria-valuenow"));
  await wire.mend();
  await expect(lost).toBeHidden();
  await expect.poll(async () => Number(await progress.getAttribute("aria-valuenow"))).toBeGreaterThan(before);
  await expect(card).toHaveCount(1);
});

test("the system page shows services, the queue, and failed jobs to take up again", async ({
  app: { page, open },
  site,
}) => {
  const { job } = await client("jobs").submit(`${site.origin}/lost.flac`);
  await open("/system");
  await expect(
    page.getByRole("list", { name: "Services" }).getByText("Serving", { exact: true }),
  ).toHaveCount(4);
  await expect(page.getByRole("row", { name: /^Transcribe/ })).toBeVisible();
  await expect(page.getByText("In use")).toBeVisible();
  const retry = page.getByRole("button", { name: /^Retry “.*lost\.flac”$/ });
  await expect(retry).toBeVisible();
  site.files.set("/lost.flac", recording());
  await retry.click();
  await expect(retry).toHaveCount(0);
  const events = client("jobs").watch(job.id);
  while (!(await events.next()).done);
  expect((await client("jobs").ingest.getJob({ jobId: job.id })).job?.state).toBe(JobState.SUCCEEDED);
});
