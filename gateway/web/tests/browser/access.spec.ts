// For everybody: keys, names, contrast, motion; on every page, light and dark.

import AxeBuilder from "@axe-core/playwright";

import { expect, saidWords, test, video } from "./app";

const PAGES = {
  "the start": "/",
  "a video": () => `/watch/${video()}`,
  search: "/search",
  ask: "/ask",
  library: "/library",
  "a page that is not there": "/nowhere",
} as const;

for (const scheme of ["light", "dark"] as const) {
  for (const [name, path] of Object.entries(PAGES)) {
    test(`${name}, ${scheme}, has no serious fault that axe finds`, async ({ app: { page, open } }) => {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      await open(typeof path === "string" ? path : path());
      if (path === "/search") {
        const [word = ""] = await saidWords();
        await page.getByRole("searchbox").fill(word);
        await expect(page.locator(".hit").first()).toBeVisible();
      }
      await expect(page.locator(".waiting")).toHaveCount(0);
      const { violations } = await new AxeBuilder({ page }).analyze();
      const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      expect(serious.map(({ id, nodes }) => [id, ...nodes.map((node) => node.html)])).toEqual([]);
    });
  }
}

test("the sign-in page has no serious fault that axe finds, and a wrong token leads back to it", async ({
  app: { page },
}) => {
  await page.goto(process.env.VIDMESH_ENDPOINT ?? "");
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.filter(({ impact }) => impact === "serious" || impact === "critical")).toEqual([]);
  await page.getByLabel("Token").fill("wrong");
  await page.getByRole("button", { name: "Open" }).click();
  await expect(page.getByLabel("Token")).toBeVisible();
});

test("the token leaves the address bar", async ({ app: { page, open } }) => {
  await open("/library");
  await expect(page).not.toHaveURL(/token/);
});

test("the keys are listed by ?, and / goes to search", async ({ app: { page, open } }) => {
  await open("/library");
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keys" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
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

test("nothing sticks out of a phone's width", async ({ app: { page, open } }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const path of ["/", `/watch/${video()}`, "/search", "/ask", "/library"]) {
    await open(path);
    await expect(page.locator(".waiting")).toHaveCount(0);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), path).toBe(true);
  }
});
