// Searching, asking, and the library.

import { client, expect, recording, saidWords, test, video } from "./app";

test("a search finds what was said and plays it", async ({ app: { page, open } }) => {
  const [word = ""] = await saidWords();
  await open("/search");
  await page.getByRole("searchbox", { name: "Search in what was said" }).fill(word);
  await expect(page.locator("mark").first()).toContainText(new RegExp(word, "i"));
  await page.locator(".hit").first().click();
  await expect(page).toHaveURL(new RegExp(`/watch/${video()}\\?t=`));
  await expect(page.locator(".row.active")).toBeVisible();
});

test("a search is narrowed to a tag, and the address keeps it", async ({ app: { page, open } }) => {
  const [word = ""] = await saidWords();
  const tag = `aside ${Date.now()}`;
  await client().query.updateVideo({ videoId: video(), tags: { names: [tag] } });
  await open(`/search?q=${word}`);
  await page.getByLabel("Tag").selectOption({ label: tag });
  await expect(page).toHaveURL(/tag=aside/);
  await expect(page.locator(".hit").first()).toBeVisible();
  await client().query.updateVideo({ videoId: video(), tags: { names: [] } });
  await page.reload();
  await expect(page.getByText("Nothing was found")).toBeVisible();
});

test("a search that finds nothing says so", async ({ app: { page, open } }) => {
  await open("/search?q=%22zzzz%20qqqq%22");
  await expect(page.getByText("Nothing was found")).toBeVisible();
});

test("a question is answered with sources that play, and the conversation is kept", async ({
  app: { page, open },
}) => {
  const [word = ""] = await saidWords();
  await open("/ask");
  await expect(page.getByLabel("Your question")).toBeFocused();
  await page.getByLabel("Your question").fill(`What is said about ${word}?`);
  await page.keyboard.press("Enter");
  await expect(page.locator(".source").first()).toBeVisible();
  await page.reload();
  await expect(page.getByRole("heading", { name: `What is said about ${word}?` })).toBeVisible();
  await page.locator(".cite").first().hover();
  await expect(page.locator(".hover-card")).toBeVisible();
  await page.locator(".cite").first().click();
  await expect(page).toHaveURL(new RegExp(`/watch/${video()}\\?t=`));
});

test("what is not in the videos is said to be so", async ({ app: { page, open } }) => {
  await open("/ask");
  await page.getByLabel("Your question").fill("Which moons does Neptune have?");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await expect(page.getByText("Not in your videos", { exact: true })).toBeVisible();
  await page.reload();
  await page.getByRole("button", { name: /^Delete “Which moons/ }).click();
  await expect(page.getByRole("link", { name: /Which moons/ })).toHaveCount(0);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByRole("link", { name: /Which moons/ })).toBeVisible();
});

test("videos are put into folders and tagged, and a delete can be taken back", async ({
  app: { page, open },
}) => {
  const name = `Lectures ${Date.now()}`;
  await open("/library");
  await page.getByRole("button", { name: "New folder" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("checkbox").first().check();
  await page.getByLabel("Move to a folder").selectOption({ label: name });
  await expect(page.getByText("1 video moved.")).toBeVisible();
  await page.getByRole("button", { name: new RegExp(name) }).click();
  await expect(page.locator(".video")).toHaveCount(1);
  await page.getByRole("checkbox").first().check();
  await page.getByLabel("Add a tag").fill("grammar");
  await page.keyboard.press("Enter");
  await expect(page.locator(".tag")).toContainText("grammar");
  await page.getByRole("checkbox").first().check();
  await page.getByRole("button", { name: "Delete" }).click();
  await expect(page.locator(".video")).toHaveCount(0);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.locator(".video")).toHaveCount(1);
  await page.getByRole("checkbox").first().check();
  await page.getByRole("button", { name: "Select none" }).click();
  await expect(page.getByRole("checkbox").first()).not.toBeChecked();
  await page.getByRole("button", { name: "Remove folder" }).click();
  await expect(page.getByRole("button", { name: new RegExp(name) })).toHaveCount(0);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByRole("button", { name: new RegExp(name) })).toBeVisible();
  await client().query.updateVideo({ videoId: video(), folderId: "", tags: { names: [] } });
});

test("a file that is there already is told as such", async ({ app: { page, open } }) => {
  await open("/");
  await page.setInputFiles("input[type=file]", recording());
  await expect(page.getByText("is already in your library")).toBeVisible();
  await page.getByRole("link", { name: "Open it" }).click();
  await expect(page).toHaveURL(new RegExp(`/watch/${video()}`));
});
