import solid from "vite-plugin-solid";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [solid()],
  // The client is linked and brings its own copies; one of each is enough.
  resolve: { dedupe: ["@bufbuild/protobuf", "@connectrpc/connect"] },
  // What is tested here is pure: it needs no page.
  test: { environment: "node" },
  build: {
    target: "es2023",
    modulePreload: { polyfill: false },
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});
