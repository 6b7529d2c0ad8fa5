// For everybody: keys, names, contrast, motion; on every page, light and dark.

import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";

import { expect, saidWords, test, video } from "./app";

const PAGES = {
  "the start": "/",
  "a video": () => `/watch/${video()}`,
  search: "/search",
  ask: "/ask",
  library: "/library",
  system: "/system",
  "a page that is not there": "/watch/no/where",
} as const;

async function seriousFaults(page: Page): Promise<string[][]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => [id, ...nodes.map((node) => node.html)]);
}

for (const [name, path] of Object.entries(PAGES)) {
  test(`${name} has no serious fault that axe finds`, async ({ app: { page, open } }) => {
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    await open(typeof path === "string" ? path : path());
    if (path === "/search") {
      const [word = ""] = await saidWords();
      await page.getByRole("searchbox").fill(word);
      await expect(page.locator(".hit").first()).toBeVisible();
    }
    await expect(
      page
        .getByRole("heading", { level: 1 })
        .or(page.getByRole("heading", { level: 2 }))
        .first(),
    ).toBeVisible();
    await expect(page.locator(".waiting")).toHaveCount(0);
    expect(await seriousFaults(page), "light").toEqual([]);
    await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
    expect(await seriousFaults(page), "dark").toEqual([]);
  });
}

test("the sign-in page has no serious fault that axe finds, and a wrong token leads back to it", async ({
  app: { page },
}) => {
  await page.goto(process.env.VIDMESH_ENDPOINT ?? "");
  expect(await seriousFaults(page)).toEqual([]);
  await expect(page.getByLabel("Token")).toBeFocused();
  await page.keyboard.type("wrong");
  await page.getByRole("button", { name: "Open" }).click();
  await expect(page.getByLabel("Token")).toBeVisible();
  await expect(page.getByRole("alert")).toContainText("This token is not taken");
});

test("another tab has the token too, and all are signed out together", async ({ app: { page, open } }) => {
  await open("/library");
  await expect(page.getByRole("heading", { name: "Library" })).toBeVisible();
  const other = await page.context().newPage();
  await other.goto(new URL("/search", page.url()).href);
  await expect(other.getByRole("heading", { name: "Search" })).toBeVisible();
  await other.getByRole("button", { name: "Sign out" }).click();
  await expect(other.getByLabel("Token")).toBeVisible();
  await expect(page.getByLabel("Token")).toBeVisible();
  await page.reload();
  await expect(page.getByLabel("Token")).toBeVisible();
});

test("an address that leads nowhere says so, with a way on", async ({ app: { page, open } }) => {
  await open("/nonsense");
  await expect(page.getByText("There is no such page")).toBeVisible();
  await page.getByRole("link", { name: "Go to the start" }).click();
  await expect(page.getByRole("heading", { name: "Add videos" })).toBeVisible();
  // The API's addresses are programs', whoever asks.
  const answer = await page.request.get(new URL("/v1/jobs", page.url()).href, {
    headers: { accept: "text/html" },
  });
  expect(answer.status()).toBe(401);
});

test("what is gone is told in words for a reader", async ({ app: { page, open } }) => {
  await open("/watch/00000000-0000-4000-8000-000000000000");
  await expect(page.getByRole("alert")).toContainText("This video is not there any more");
  await expect(page.getByRole("alert")).not.toContainText("tenant");
});

test("the keys are listed by ?, and / goes to search", async ({ app: { page, open } }) => {
  await open("/library");
  await expect(page.getByRole("heading", { name: "Library" })).toBeVisible();
  await expect(page, "the token leaves the address bar").not.toHaveURL(/token/);
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keys" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Close" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  const library = page.getByRole("link", { name: "Library" });
  await library.focus();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keys" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(library).toBeFocused();
  await page.keyboard.press("/");
  await expect(page).toHaveURL(/\/search/);
  await expect(page.getByRole("searchbox")).toBeFocused();
});

test("the first stop of the tab key skips the navigation", async ({ app: { page, open } }) => {
  await open("/library");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toBeFocused();
});

test("on a phone the transcript is the first tab, and the player stays in sight of it", async ({
  app: { page, open },
}) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await open(`/watch/${video()}`);
  await expect(page.getByRole("tab").first()).toHaveText("Transcript");
  await page.locator(".row").last().scrollIntoViewIfNeeded();
  await expect(page.getByRole("slider", { name: "Position" })).toBeInViewport();
  await page.getByRole("tab", { name: "Summary" }).click();
  await expect(page.locator(".prose")).toBeVisible();
});

test("nothing sticks out of a phone's width", async ({ app: { page, open } }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const path of ["/", `/watch/${video()}`, "/search", "/ask", "/library", "/system"]) {
    await open(path);
    await expect(page.locator(".waiting")).toHaveCount(0);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), path).toBe(true);
  }
});
