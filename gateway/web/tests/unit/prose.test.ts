import { expect, test } from "vitest";

import { blocks, inline } from "../../src/parts/prose";
import { pieces } from "../../src/parts/snippet";

test("paragraphs, headings and lists are told apart", () => {
  expect(blocks("# Bread\n\nIt rises.\nSlowly.\n\n- yeast\n- water\n\n1. mix\n2. wait")).toEqual([
    { kind: "heading", text: [{ kind: "text", text: "Bread" }] },
    {
      kind: "paragraph",
      text: [
        { kind: "text", text: "It rises." },
        { kind: "text", text: " " },
        { kind: "text", text: "Slowly." },
      ],
    },
    {
      kind: "list",
      ordered: false,
      items: [[{ kind: "text", text: "yeast" }], [{ kind: "text", text: "water" }]],
    },
    {
      kind: "list",
      ordered: true,
      items: [[{ kind: "text", text: "mix" }], [{ kind: "text", text: "wait" }]],
    },
  ]);
});

test("citations and emphasis are pieces of their own", () => {
  expect(inline("It **rises** [1], *slowly* [12].")).toEqual([
    { kind: "text", text: "It " },
    { kind: "strong", text: "rises" },
    { kind: "text", text: " " },
    { kind: "citation", number: 1 },
    { kind: "text", text: ", " },
    { kind: "emphasis", text: "slowly" },
    { kind: "text", text: " " },
    { kind: "citation", number: 12 },
    { kind: "text", text: "." },
  ]);
});

test("HTML, links and stars that are no emphasis stay text", () => {
  for (const text of [
    "<img src=x onerror=alert(1)>",
    "[a](javascript:alert(1))",
    "2 * 3 * 4",
    "snake_case_name",
  ]) {
    expect(inline(text)).toEqual([{ kind: "text", text }]);
  }
});

test("a snippet is cut where it matches, counted in code points", () => {
  expect(pieces("😀 bread", [{ start: 2, end: 7 }])).toEqual([
    { text: "😀 ", marked: false },
    { text: "bread", marked: true },
  ]);
  expect(pieces("all", [])).toEqual([{ text: "all", marked: false }]);
});

test("a moment in brackets is one; other figures in brackets are not", () => {
  expect(inline("It rises (1:05), and rests (1:02:03) (12) (a:b).")).toEqual([
    { kind: "text", text: "It rises " },
    { kind: "moment", seconds: 65 },
    { kind: "text", text: ", and rests " },
    { kind: "moment", seconds: 3723 },
    { kind: "text", text: " (12) (a:b)." },
  ]);
});
