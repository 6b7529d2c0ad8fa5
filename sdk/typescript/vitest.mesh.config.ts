import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { dir: "tests/mesh", globalSetup: "tests/mesh/setup.ts", hookTimeout: 120_000 },
});
