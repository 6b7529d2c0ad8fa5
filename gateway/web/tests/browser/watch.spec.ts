// Watching: player, transcript, finding, summary, chapters.

import { readFile } from "node:fs/promises";
import { toSeconds } from "@vidmesh/client";

import { length } from "../../src/format";
import { client, expect, recording, saidWords, test, video } from "./app";

test.describe("with its media", () => {
  test.beforeEach(async ({ app: { page, open } }) => {
    await open(`/watch/${video()}`);
    await expect(page.locator(".row").first()).toBeVisible();
  });

  test("what was uploaded plays after a reload, seeks, and marks the spoken word", async ({
    app: { page },
  }) => {
    await page.reload();
    const duration = () => page.evaluate(() => document.querySelector("video")?.duration ?? 0);
    await expect.poll(duration).toBeGreaterThan(50);
    await page.locator("h1").click();
    await page.keyboard.press("2");
    await page.getByRole("button", { name: "Play", exact: true }).click();
    const at = () => page.evaluate(() => document.querySelector("video")?.currentTime ?? 0);
    await expect.poll(at).toBeGreaterThan((await duration()) * 0.2);
    await expect(page.locator(".word.spoken")).toBeVisible();
    const first = await page.locator(".word.spoken").textContent();
    await expect.poll(() => page.locator(".word.spoken").textContent()).not.toBe(first);
    await page.keyboard.press("k");
    await expect(page.getByRole("button", { name: "Play", exact: true })).toBeVisible();
  });

  test("it is as long as the library says, whatever its player says", async ({ app: { page } }) => {
    await page.addInitScript(() => {
      const { prototype } = HTMLMediaElement;
      const own = Object.getOwnPropertyDescriptor(prototype, "duration");
      Object.defineProperty(prototype, "duration", {
        get(this: HTMLMediaElement) {
          return (own?.get?.call(this) as number) + 1;
        },
      });
    });
    await page.reload();
    await expect
      .poll(() => page.evaluate(() => document.querySelector("video")?.duration ?? 0))
      .toBeGreaterThan(50);
    const known = length(toSeconds((await client().query.getVideo({ videoId: video() })).video?.duration));
    await expect(page.locator(".times")).toHaveText(`0:00 / ${known}`);
    await expect(page.locator(".watch-title .job-meta")).toContainText(known);
  });

  test("a video that nothing is kept of plays from a file of the reader's own", async ({ app: { page } }) => {
    await page.route("**/vidmesh.ingest.v1.IngestService/GetMedia", (route) => route.abort());
    await page.reload();
    await expect(page.getByText("the text alone is kept")).toBeVisible();
    await page.setInputFiles(".no-media input[type=file]", recording());
    await page.getByRole("button", { name: "Play", exact: true }).click();
    await expect(page.locator(".word.spoken")).toBeVisible();
  });

  test("where no worker can answer, the file is read as a whole", async ({ app: { page, open } }) => {
    await page.addInitScript(() => Object.defineProperty(navigator, "serviceWorker", { value: undefined }));
    await open(`/watch/${video()}?t=20`);
    await page.reload();
    await expect(page.locator("video")).toHaveAttribute("src", /^blob:/);
    await page.getByRole("button", { name: "Play", exact: true }).click();
    await expect(page.locator(".word.spoken")).toBeVisible();
  });
});

// Nothing that plays moves what these look at.
test.describe("with its text alone", () => {
  test.beforeEach(async ({ app: { page, open } }) => {
    await page.route("**/vidmesh.ingest.v1.IngestService/GetMedia", (route) => route.abort());
    await open(`/watch/${video()}`);
    await expect(page.locator(".row").first()).toBeVisible();
  });

  test("a click on a word and on a time seeks", async ({ app: { page } }) => {
    const position = page.getByRole("slider", { name: "Position" });
    const word = page.locator(".row").nth(2).locator(".word").nth(1);
    const start = Number(await word.getAttribute("data-start"));
    await word.click();
    await expect.poll(async () => Number(await position.inputValue())).toBeCloseTo(start, 0);
    const time = page.getByRole("button", { name: /^Play from / }).nth(3);
    await time.click();
    await expect(page.locator(".row.active").getByRole("button", { name: /^Play from / })).toHaveText(
      (await time.textContent()) ?? "",
    );
  });

  test("keys seek, and are left alone where somebody types", async ({ app: { page } }) => {
    const position = page.getByRole("slider", { name: "Position" });
    await page.locator("h1").click();
    await page.keyboard.press("l");
    await expect(position).toHaveValue("10");
    await page.keyboard.press("j");
    await expect(position).toHaveValue("0");
    await page.keyboard.press("/");
    await page.keyboard.type("l");
    await expect(page.getByRole("searchbox", { name: "Find in the transcript" })).toHaveValue("l");
    await expect(position).toHaveValue("0");
  });

  test("following stops when the reader scrolls away, and is taken up again", async ({ app: { page } }) => {
    await page.setViewportSize({ width: 1280, height: 480 });
    await page
      .getByRole("button", { name: /^Play from / })
      .first()
      .click();
    await page.getByRole("region", { name: "Transcript" }).hover();
    await page.mouse.wheel(0, 3000);
    const back = page.getByRole("button", { name: "Back to what is spoken" });
    await back.click();
    await expect(back).toBeHidden();
    await expect(page.locator(".row.active")).toBeInViewport();
    // Who steers the player is shown what is spoken there.
    await page.getByRole("tab", { name: /Chapters/ }).click();
    const steer = [
      () => page.getByRole("slider", { name: "Position" }).press("ArrowRight"),
      () => page.locator(".chapter").first().click(),
    ];
    for (const go of steer) {
      await page.getByRole("region", { name: "Transcript" }).hover();
      await page.mouse.wheel(0, 3000);
      await expect(back).toBeVisible();
      await go();
      await expect(back).toBeHidden();
      await expect(page.getByRole("button", { name: /^Play from / }).first()).toBeInViewport();
    }
  });

  test("Tab goes from line to line in the order of time, wherever one has scrolled", async ({
    app: { page },
  }) => {
    await page.setViewportSize({ width: 1280, height: 480 });
    const times = page.getByRole("button", { name: /^Play from / });
    const labels = await times.evaluateAll((all) => all.slice(0, 3).map((one) => one.ariaLabel ?? ""));
    await times.first().click();
    await page.getByRole("region", { name: "Transcript" }).hover();
    await page.mouse.wheel(0, 3000);
    await expect(page.getByRole("button", { name: "Back to what is spoken" })).toBeVisible();
    for (const name of labels.slice(1)) {
      await page.keyboard.press("Tab");
      await expect(page.getByRole("button", { name, exact: true })).toBeFocused();
    }
  });

  test("on a phone the transcript has most of the window", async ({ app: { page } }) => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.reload();
    const height = async () => (await page.locator(".transcript-rows").boundingBox())?.height;
    await expect.poll(height).toBeGreaterThan(0.58 * 844);
  });

  test("words are found, counted, walked through and marked on the timeline", async ({ app: { page } }) => {
    const [word = ""] = await saidWords();
    const box = page.getByRole("searchbox", { name: "Find in the transcript" });
    await box.fill(word);
    await expect(page.getByText(/^1 of \d+$/)).toBeVisible();
    await expect(page.locator(".word.looked")).toBeVisible();
    await expect(page.locator(".tick.find-mark").first()).toBeAttached();
    await box.press("Enter");
    await box.fill("zzzzzz");
    await expect(page.getByText("not found")).toBeVisible();
    // The first Enter goes to what is shown, the next ones go on; the arrows do the same.
    for (const go of [
      () => box.press("Enter"),
      () => page.getByRole("button", { name: "The next one" }).click(),
    ]) {
      await page.locator("h1").click();
      await page.keyboard.press("9");
      await box.fill("");
      await box.fill("e");
      await expect(page.getByText(/^1 of /)).toBeVisible();
      await go();
      await expect(page.locator(".row.active .word.looked")).toBeVisible();
      await expect(page.getByText(/^1 of /)).toBeVisible();
      await go();
      await expect(page.getByText(/^2 of /)).toBeVisible();
    }
  });

  test("a link at a moment opens there", async ({ app: { page, open } }) => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page
      .getByRole("button", { name: /^Play from / })
      .nth(3)
      .click();
    await page.getByRole("button", { name: "Copy link" }).click();
    await expect(page.getByText(/is copied/)).toBeVisible();
    const link = new URL(await page.evaluate(() => navigator.clipboard.readText()));
    await open(link.pathname + link.search);
    await expect(page.getByRole("slider", { name: "Position" })).toHaveValue(
      link.searchParams.get("t") ?? "",
    );
  });

  test("summary and chapters are there, and a chapter seeks", async ({ app: { page } }) => {
    await expect(page.locator(".prose").first()).not.toBeEmpty();
    const moment = page.locator(".moment").last();
    await moment.click();
    await expect(page.locator(".times")).toContainText((await moment.textContent()) ?? "no moment");
    await page.getByRole("tab", { name: /Chapters/ }).click();
    await page.locator(".chapter").last().click();
    await expect(page.locator(".chapter").last()).toHaveAttribute("aria-current", "true");
  });

  test("another summary is written on demand", async ({ app: { page } }) => {
    await page.setViewportSize({ width: 1280, height: 480 });
    await expect(page.locator(".prose").first()).not.toBeEmpty();
    await page.getByText("Another summary").click();
    await expect(page.getByRole("button", { name: "Write it" })).toBeInViewport();
    await page.getByLabel("Style").selectOption({ label: "Points" });
    await page.getByRole("button", { name: "Write it" }).click();
    await expect(page.locator(".prose li").first()).toBeVisible();
  });

  test("where another summary cannot be had, the one there is stays, and why is told", async ({
    app: { page },
  }) => {
    const summary = page.locator(".prose").first();
    await expect(page.getByText(/^(Written by|The speakers' own sentences)/)).toBeVisible();
    const before = (await summary.textContent()) ?? "";
    await page.getByText("Another summary").click();
    await page.getByLabel("Language").selectOption({ label: "German" });
    await page.getByRole("button", { name: "Write it" }).click();
    await expect(page.locator(".more").getByRole("alert")).toContainText("language model");
    await expect(summary).toHaveText(before);
    await expect(page.getByRole("alert")).toHaveCount(1);
    await expect(page.getByRole("button", { name: "Write it" })).toBeEnabled();
  });

  test("the transcript is saved as a file, by its title", async ({ app: { page } }) => {
    const { video: known } = await client().query.getVideo({ videoId: video() });
    await page.getByRole("button", { name: "Export" }).click();
    const saved = page.waitForEvent("download");
    await page.getByRole("menuitem", { name: "SubRip (.srt)" }).click();
    expect((await saved).suggestedFilename()).toBe(`${known?.title ?? ""}.srt`);
  });

  test("a line is corrected: it is kept, exported and found, and the correction can be corrected", async ({
    app: { page, open },
  }) => {
    const row = page.locator(".row").nth(2);
    const heard = ((await row.locator(".row-text").textContent()) ?? "").trim();
    await row.hover();
    await row.getByRole("button", { name: /^Correct the line/ }).click();
    const box = page.getByRole("textbox", { name: /^What was said/ });
    await expect(box).toBeFocused();
    await box.press("Escape");
    await expect(row.getByRole("button", { name: /^Correct the line/ })).toBeFocused();
    await expect(row.locator(".row-text")).toHaveText(heard);
    await row.hover();
    await row.getByRole("button", { name: /^Correct the line/ }).click();
    await box.fill(`${heard} zorb`);
    await page.getByRole("button", { name: "Save" }).click();
    await expect(row.locator(".row-text")).toHaveText(`${heard} zorb`);
    await page.getByRole("button", { name: "Undo" }).click();
    await expect(row.locator(".row-text")).toHaveText(heard);
    await expect(page.getByText("The correction is undone.")).toBeVisible();
    await expect(page.getByRole("button", { name: "Undo" })).toHaveCount(0);
    // By keys alone: the line that plays.
    await row.getByRole("button", { name: /^Play from/ }).press("Enter");
    await page.keyboard.press("e");
    await box.fill(`${heard} zorb`);
    await box.press("Enter");
    await expect(row.locator(".row-text")).toHaveText(`${heard} zorb`);
    await page.reload();
    await expect(row.locator(".row-text")).toHaveText(`${heard} zorb`);
    await page.getByRole("button", { name: "Export" }).click();
    const saved = page.waitForEvent("download");
    await page.getByRole("menuitem", { name: "Plain text (.txt)" }).click();
    expect(await readFile(await (await saved).path(), "utf8")).toContain("zorb");
    await expect(async () => {
      await open("/search?q=zorb");
      await expect(page.locator("mark")).toHaveText("zorb", { timeout: 2000 });
    }).toPass();
    const { segments } = await client().transcribe.getTranscript({ videoId: video() });
    await client().transcribe.correctSegment({
      videoId: video(),
      index: segments[2]?.index ?? -1,
      text: heard,
    });
  });

  test("a video is renamed", async ({ app: { page } }) => {
    const heading = page.getByRole("heading", { level: 1 });
    const before = (await heading.textContent()) ?? "";
    for (const name of ["A talk by another name", before.trim()]) {
      await page.getByRole("button", { name: "Rename the video" }).click();
      await page.getByRole("textbox", { name: "Name" }).fill(name);
      await page.getByRole("button", { name: "Save" }).click();
      await expect(heading).toHaveText(name);
    }
  });

  test("a video that is not there is told as such", async ({ app: { page, open } }) => {
    await open("/watch/00000000-0000-4000-8000-000000000000");
    await expect(page.getByRole("alert")).toContainText("This video is not there");
  });
});

test("of a video of which nothing was had, the page says why, takes it away, and tries again", async ({
  app: { page, open },
  site,
}) => {
  const { job } = await client().submit(`${site.origin}/wrong.flac`);
  try {
    await open(`/watch/${job.videoId}`);
    const alert = page.getByRole("alert");
    await expect(alert).toContainText("404");
    await expect(alert).toHaveCount(1);
    await expect(page.getByRole("region", { name: "Player" })).toHaveCount(0);
    await expect(page.getByRole("searchbox", { name: "Find in the transcript" })).toHaveCount(0);
    await expect(page.getByRole("button", { name: /Copy link|Export/ })).toHaveCount(0);
    await expect(page.getByText("Another summary")).toHaveCount(0);
    await page.getByRole("button", { name: "Remove" }).click();
    await expect(page).toHaveURL(/\/library$/);
    await page.getByRole("button", { name: "Undo" }).click();
    await page.goBack();
    site.files.set("/wrong.flac", recording());
    await page.getByRole("button", { name: "Retry" }).click();
    await expect(alert).toHaveCount(0);
    await expect(page.getByRole("button", { name: "Export" })).toBeVisible();
    await expect(page.locator(".row").first()).toBeVisible();
    await expect(page.locator(".prose").first()).not.toBeEmpty();
  } finally {
    await client().ingest.deleteVideo({ videoId: job.videoId });
  }
});
