import { expect, test } from "vitest";

import { fileName } from "../../src/watch/file-name";

test.each([
  ["A talk on grammar", "A talk on grammar.srt"],
  ["AC/DC: live\u0000\n(part 1)", "AC DC live (part 1).srt"],
  ["../../etc/passwd", "etc passwd.srt"],
  ["Rede über Grün 🌳", "Rede über Grün 🌳.srt"],
  ["To be continued...", "To be continued.srt"],
  ["🌳".repeat(100), `${"🌳".repeat(80)}.srt`],
  ["", "01a20280.srt"],
  [" / ", "01a20280.srt"],
])("the title %j makes the file %j", (title, name) => {
  expect(fileName(title, "srt", "01a20280")).toBe(name);
});
