// The app opened with the mesh's token, and what the tests know of the mesh.

import { test as base, type Page } from "@playwright/test";
import { Vidmesh } from "@vidmesh/client";

import { openSite, type Site } from "./site";
import { layWire, type Wire } from "./wire";

const named = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: the tests' setup sets it`);
  return value;
};

export const video = () => named("VIDMESH_TEST_VIDEO");
export const recording = () => named("VIDMESH_TEST_RECORDING");
export const long = () => named("VIDMESH_TEST_LONG");

/** Whose data a test sees: `main` has the video that is done, `jobs` has nothing. */
export type Tenant = "main" | "jobs";

const tokenOf = (tenant: Tenant) => named(tenant === "main" ? "VIDMESH_TOKEN" : "VIDMESH_TEST_JOBS_TOKEN");

export const client = (tenant: Tenant = "main") =>
  new Vidmesh({ endpoint: named("VIDMESH_ENDPOINT"), token: tokenOf(tenant) });

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
  /** Opens a page of the app, signed in; from `origin`, where that is another way to the mesh. */
  open: (path: string, origin?: string) => Promise<void>;
}

interface Parts {
  app: App;
  tenant: Tenant;
  /** A way to the mesh that can be cut. */
  wire: Wire;
  /** A web site with nothing on it yet. */
  site: Site;
}

export const test = base.extend<Parts>({
  tenant: ["main", { option: true }],
  app: async ({ page, tenant }, use) => {
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(error.message));
    const open = async (path: string, origin = named("VIDMESH_ENDPOINT")) => {
      await page.goto(`${origin}${path}#token=${tokenOf(tenant)}`);
    };
    await use({ page, open });
    if (faults.length > 0) throw new Error(`the page threw: ${faults.join("; ")}`);
  },
  // Playwright reads what a part needs from its first argument, which must be taken apart.
  // eslint-disable-next-line no-empty-pattern
  wire: async ({}, use) => {
    const wire = await layWire(new URL(named("VIDMESH_ENDPOINT")));
    await use(wire);
    await wire.close();
  },
  // eslint-disable-next-line no-empty-pattern
  site: async ({}, use) => {
    const site = await openSite();
    await use(site);
    await site.close();
  },
});

export { expect } from "@playwright/test";
