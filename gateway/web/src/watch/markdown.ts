// A transcript as Markdown, a heading for each chapter. Pure.

import { clock } from "../format";
import { placeAt, type Line } from "./lines";

export function toMarkdown(
  title: string,
  chapters: readonly { start: number; title: string }[],
  lines: readonly Line[],
): string {
  const parts = chapters.length > 0 ? chapters : [{ start: 0, title: "Transcript" }];
  const firstOf = (chapter: { start: number }) => placeAt(lines, chapter.start - 0.01) + 1;
  const written = parts.map((chapter, number) => {
    const next = parts[number + 1];
    // What is said before the first chapter belongs to it.
    const said = lines.slice(
      number === 0 ? 0 : firstOf(chapter),
      next === undefined ? undefined : firstOf(next),
    );
    return `## ${chapter.title} (${clock(chapter.start)})\n\n${said.map((line) => line.text).join(" ")}\n`;
  });
  return `# ${title}\n\n${written.join("\n")}`;
}
