import base from "./playwright.config";

// Figures, not verdicts: run on a quiet machine. `npm run measure`
export default {
  ...base,
  testDir: "tests/speed",
  timeout: 300_000,
  use: { ...base.use, trace: "off" as const },
};
