import { expect, test } from "vitest";

import { linklessIn, linksIn, listOf } from "../../src/links";

test("links are taken out of a text once, without what is around them", () => {
  expect(
    linksIn("See https://a.org/x, then (https://b.org/y) and https://a.org/x. “https://c.org/z?q=1!”"),
  ).toEqual(["https://a.org/x", "https://b.org/y", "https://c.org/z?q=1"]);
  expect(linksIn("no link at all")).toEqual([]);
});

test("lines with words and no link are told", () => {
  expect(linklessIn("https://a.org/x\nnot a link\n\nsee https://b.org\nftp://x/y")).toEqual([
    "not a link",
    "ftp://x/y",
  ]);
});

test("brackets that belong to a link stay", () => {
  expect(linksIn("https://en.wikipedia.org/wiki/Yeast_(baking)")).toEqual([
    "https://en.wikipedia.org/wiki/Yeast_(baking)",
  ]);
});

test.each([
  ["https://www.youtube.com/playlist?list=PL1", "list"],
  ["https://www.youtube.com/@lectures", "list"],
  ["https://youtube.com/watch?v=abc&list=PL1", "within"],
  ["https://youtu.be/abc?list=PL1", "within"],
  ["https://www.youtube.com/watch?v=abc", undefined],
  ["https://vimeo.com/showcase/123", "list"],
  ["https://vimeo.com/123", undefined],
  ["https://soundcloud.com/someone/sets/talks", "list"],
  ["https://example.org/playlist", undefined],
  ["http://[bad", undefined],
])("%s is %s", (link, kind) => {
  expect(listOf(link)).toBe(kind);
});
