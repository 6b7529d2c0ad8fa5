// Watching: player, transcript, finding, summary, chapters.

import { expect, recording, saidWords, test, video } from "./app";

test.beforeEach(async ({ app: { page, open } }) => {
  await open(`/watch/${video()}`);
  await expect(page.locator(".row").first()).toBeVisible();
});

test("a file of the reader's own plays, and the spoken word is marked", async ({ app: { page } }) => {
  await page.setInputFiles(".no-media input[type=file]", recording());
  await page.getByRole("button", { name: "Play", exact: true }).click();
  await expect(page.locator(".word.spoken")).toBeVisible();
  const first = await page.locator(".word.spoken").textContent();
  await expect.poll(() => page.locator(".word.spoken").textContent()).not.toBe(first);
  await page.keyboard.press("k");
  await expect(page.getByRole("button", { name: "Play", exact: true })).toBeVisible();
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
  await expect(page.getByRole("slider", { name: "Position" })).toHaveValue(link.searchParams.get("t") ?? "");
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
  await page.getByText("Another summary").click();
  await page.getByLabel("Style").selectOption({ label: "Points" });
  await page.getByRole("button", { name: "Write it" }).click();
  await expect(page.locator(".prose li").first()).toBeVisible();
});

test("the transcript is saved as a file", async ({ app: { page } }) => {
  await page.getByRole("button", { name: "Export" }).click();
  const saved = page.waitForEvent("download");
  await page.getByRole("menuitem", { name: "SubRip (.srt)" }).click();
  expect((await saved).suggestedFilename()).toMatch(/\.srt$/);
});

test("a video that is not there is told as such", async ({ app: { page, open } }) => {
  await open("/watch/00000000-0000-4000-8000-000000000000");
  await expect(page.getByRole("alert")).toContainText("Check the id");
});
