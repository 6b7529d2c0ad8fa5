// The app opened with the mesh's token, and what the tests know of the mesh.

import { test as base, type Page } from "@playwright/test";
import { Vidmesh } from "@vidmesh/client";

const named = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: the tests' setup sets it`);
  return value;
};

export const video = () => named("VIDMESH_TEST_VIDEO");
export const recording = () => named("VIDMESH_TEST_RECORDING");
export const long = () => named("VIDMESH_TEST_LONG");

export const client = () =>
  new Vidmesh({ endpoint: named("VIDMESH_ENDPOINT"), token: named("VIDMESH_TOKEN") });

/** Words that are in the sample's transcript: the longest ones. */
export async function saidWords(): Promise<string[]> {
  const text: string[] = [];
  for await (const segment of client().segments(video())) text.push(segment.text);
  const words = new Set(
    text
      .join(" ")
      .toLowerCase()
      .match(/[a-z]{6,}/g),
  );
  return [...words].sort((one, other) => other.length - one.length);
}

export interface App {
  page: Page;
  /** Opens a page of the app, signed in. */
  open: (path: string) => Promise<void>;
}

export const test = base.extend<{ app: App }>({
  app: async ({ page }, use) => {
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(error.message));
    const open = async (path: string) => {
      await page.goto(`${named("VIDMESH_ENDPOINT")}${path}#token=${named("VIDMESH_TOKEN")}`);
    };
    await use({ page, open });
    if (faults.length > 0) throw new Error(`the page threw: ${faults.join("; ")}`);
  },
});

export { expect } from "@playwright/test";
