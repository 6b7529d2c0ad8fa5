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

/** Waits until the job of a source has failed, as the mesh tells it. */
async function ended(source: string): Promise<void> {
  await expect
    .poll(async () => {
      for await (const job of client("jobs").jobs()) if (job.source.endsWith(source)) return job.state;
      return undefined;
    })
    .toBe(JobState.FAILED);
}

/** What waits until it is opened. */
function gate(): { passed: Promise<void>; open: () => void } {
  let open!: () => void;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}

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
  // By keys, which stay with the job where it goes.
  await card.getByRole("button", { name: "Cancel" }).press("Enter");
  await expect(card.getByText("Cancelled", { exact: true })).toBeVisible();
  await expect(card.getByRole("button", { name: "Retry" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(card.getByText("At work", { exact: true })).toBeVisible();
  await expect(card.getByRole("button", { name: "Cancel" })).toBeFocused();
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
  await expect(card.getByText("not begun")).toHaveCount(3);
  site.files.set("/talk.flac", recording());
  await card.getByRole("button", { name: "Retry" }).click();
  await expect(job(page, "/talk.flac").getByText("Done", { exact: true })).toBeVisible();
  await job(page, "/talk.flac")
    .getByRole("link", { name: /^Open / })
    .click();
  await expect(page.locator(".row").first()).toBeVisible();
});

test("many links are added at once", async ({ app: { page, open }, site }) => {
  await open("/");
  const links = ["one", "two", "three"].map((name) => `${site.origin}/${name}.flac`);
  await page.getByLabel("Links to videos, one or many").fill(`See ${links.join(", and ")}.`);
  await page.getByRole("button", { name: "Add 3 links" }).click();
  for (const link of links) await expect(job(page, link).getByText("Failed", { exact: true })).toBeVisible();
});

test("of what was pasted, the lines without a link stay", async ({ app: { page, open }, site }) => {
  await open("/");
  const links = page.getByLabel("Links to videos, one or many");
  await links.fill(`${site.origin}/pasted.flac\nftp://x/y`);
  await page.getByRole("button", { name: "Add link" }).click();
  await expect(job(page, "/pasted.flac")).toHaveCount(1);
  await expect(links).toHaveValue("ftp://x/y");
  await expect(page.getByText("A link begins with")).toBeVisible();
});

test("what never became a video is removed, unless that is taken back", async ({
  app: { page, open },
  site,
}) => {
  const made = await client("jobs").submit(`${site.origin}/empty.flac`);
  await ended("/empty.flac");
  await open("/");
  const card = job(page, "/empty.flac");
  await card.getByRole("button", { name: "Remove" }).click();
  await expect(card).toHaveCount(0);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(card).toHaveCount(1);
  await card.getByRole("button", { name: "Remove" }).click();
  await expect(card).toHaveCount(0);
  const isThere = async () => {
    for await (const one of client("jobs").jobs()) if (one.id === made.job.id) return true;
    return false;
  };
  await expect.poll(isThere, { timeout: 20_000 }).toBe(false);
  await expect(card).toHaveCount(0);
});

test("what happens before the page's stream is open is not missed", async ({ app: { page, open }, site }) => {
  const stream = gate();
  await page.route("**/vidmesh.ingest.v1.IngestService/WatchJobs", async (route) => {
    await stream.passed;
    await route.continue();
  });
  await open("/");
  await page.getByLabel("Links to videos, one or many").fill(`${site.origin}/early.flac`);
  await page.getByRole("button", { name: "Add link" }).click();
  await expect(job(page, "/early.flac")).toHaveCount(1);
  await ended("/early.flac");
  stream.open();
  await expect(job(page, "/early.flac").getByText("Failed", { exact: true })).toBeVisible();
});

test("an answer that comes after the news of its job takes nothing of it back", async ({
  app: { page, open },
  site,
}) => {
  const answer = gate();
  await page.route("**/vidmesh.ingest.v1.IngestService/SubmitVideo", async (route) => {
    const response = await route.fetch();
    await answer.passed;
    await route.fulfill({ response });
  });
  await open("/");
  await page.getByLabel("Links to videos, one or many").fill(`${site.origin}/late.flac`);
  await page.getByRole("button", { name: "Add link" }).click();
  const failed = job(page, "/late.flac").getByText("Failed", { exact: true });
  await expect(failed).toBeVisible();
  answer.open();
  await expect(page.getByLabel("Links to videos, one or many")).toHaveValue("");
  await expect(failed).toBeVisible();
});

test("what is no link is refused with the reason", async ({ app: { page, open } }) => {
  await open("/");
  const links = page.getByLabel("Links to videos, one or many");
  await links.fill("no link at all");
  await expect(page.getByText("A link begins with")).toBeVisible();
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

test("the system page tells each service's version", async ({ app: { page, open } }) => {
  await open("/system");
  const services = page.getByRole("list", { name: "Services" });
  await expect(services.getByText(/^Version \d+\.\d+\.\d+/)).toHaveCount(4);
});

test("what was given up is read, dropped, kept after all, and retried", async ({
  app: { page, open },
  site,
}) => {
  const { job } = await client("jobs").submit(`${site.origin}/gone.flac`);
  const letters = page.getByRole("list", { name: /^Dead letters/ });
  const letter = letters.getByRole("listitem");
  await open("/system");
  await expect(letter).toHaveCount(1);
  await expect(letter).toContainText("404");
  await expect(letter).toContainText(/Fetch, work video, tried \d+ times?/);
  await letter.getByText("What it says").click();
  await expect(letter.locator("pre")).toContainText("gone.flac");
  await letter.getByRole("button", { name: /^Drop / }).click();
  await expect(letter).toHaveCount(0);
  await expect(page.getByRole("heading", { name: /^Dead letters/ })).toBeFocused();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(letter).toHaveCount(1);
  site.files.set("/gone.flac", recording());
  await letter.getByRole("button", { name: /^Retry / }).press("Enter");
  await expect(page.getByText("It is tried again.")).toBeVisible();
  await expect(letter).toHaveCount(0);
  await expect(page.getByRole("button", { name: /^Retry / })).toHaveCount(0);
  const events = client("jobs").watch(job.id);
  while (!(await events.next()).done);
  expect((await client("jobs").ingest.getJob({ jobId: job.id })).job?.state).toBe(JobState.SUCCEEDED);
});

test("a dead letter that is dropped is gone for good", async ({ app: { page, open }, site }) => {
  await client("jobs").submit(`${site.origin}/gone.flac`);
  await open("/system");
  await page.getByRole("button", { name: /^Drop / }).click();
  await expect.poll(async () => (await client("jobs").ingest.listDeadLetters({})).letters.length).toBe(0);
});
