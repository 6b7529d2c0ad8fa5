import { expect, test } from "vitest";

import { toMarkdown } from "../../src/watch/markdown";

const lines = ["One.", "Two.", "Three."].map((text, index) => ({
  index,
  start: index * 10,
  end: index * 10 + 10,
  text,
  words: [],
}));

test("each chapter has its lines under its heading", () => {
  const chapters = [
    { start: 0, title: "Begin" },
    { start: 10, title: "End" },
  ];
  expect(toMarkdown("The talk", chapters, lines)).toBe(
    "# The talk\n\n## Begin (0:00)\n\nOne.\n\n## End (0:10)\n\nTwo. Three.\n",
  );
});

test("what is said before the first chapter belongs to it", () => {
  expect(toMarkdown("T", [{ start: 20, title: "Late" }], lines)).toContain("One. Two. Three.");
});

test("a video without chapters has one part", () => {
  expect(toMarkdown("T", [], lines)).toBe("# T\n\n## Transcript (0:00)\n\nOne. Two. Three.\n");
});
