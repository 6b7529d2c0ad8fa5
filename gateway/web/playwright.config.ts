import { defineConfig } from "@playwright/test";

// Debian's Chromium unless another is named: the one that Playwright would fetch has no H.264.
const executablePath = process.env.VIDMESH_CHROMIUM ?? "/usr/bin/chromium";

export default defineConfig({
  testDir: "tests/browser",
  globalSetup: "./tests/browser/setup.ts",
  // The files of tests side by side, those of one file one after the other.
  workers: 2,
  timeout: 180_000,
  expect: { timeout: 40_000 },
  reporter: "list",
  outputDir: "test-results",
  use: {
    viewport: { width: 1280, height: 800 },
    launchOptions: { executablePath, args: ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"] },
    trace: "retain-on-failure",
  },
});
