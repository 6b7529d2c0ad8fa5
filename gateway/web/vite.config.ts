import { defineConfig } from "vite";
import solid from "vite-plugin-solid";

export default defineConfig({
  plugins: [solid()],
  // The client is linked and brings its own copies; one of each is enough.
  resolve: { dedupe: ["@bufbuild/protobuf", "@connectrpc/connect"] },
  build: { target: "es2023", modulePreload: { polyfill: false } },
});
