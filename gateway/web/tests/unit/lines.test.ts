import { create, SegmentSchema } from "@vidmesh/client";
import { expect, test } from "vitest";

import { findAll, placeAt, toLine, type Line } from "../../src/watch/lines";

const line = (index: number, text: string): Line => ({
  index,
  start: index * 2,
  end: index * 2 + 2,
  text,
  words: [],
});
const at = (seconds: number) => ({
  seconds: BigInt(Math.floor(seconds)),
  nanos: Math.round((seconds % 1) * 1e9),
});

test("a segment's words make its line, with their places", () => {
  const words = [" Bread", " rises."].map((text, place) => ({
    start: at(place),
    end: at(place + 0.5),
    text,
  }));
  const made = toLine(
    create(SegmentSchema, { index: 3, start: at(0), end: at(1.5), text: "Bread  rises.", words }),
  );
  expect(made).toEqual({
    index: 3,
    start: 0,
    end: 1.5,
    text: "Bread rises.",
    words: [
      { start: 0, end: 0.5, text: "Bread", at: 0 },
      { start: 1, end: 1.5, text: "rises.", at: 6 },
    ],
  });
});

test("a segment without words keeps its text", () => {
  expect(toLine(create(SegmentSchema, { text: " From captions " })).text).toBe("From captions");
});

test.each([
  [-1, -1],
  [0, 0],
  [1.9, 0],
  [2, 1],
  [100, 2],
])("at %d seconds the line %d is spoken", (time, place) => {
  expect(placeAt([line(0, ""), line(1, ""), line(2, "")], time)).toBe(place);
});

test("before anything is there, nothing is spoken", () => {
  expect(placeAt([], 5)).toBe(-1);
});

test("every place is found, whatever its case, also twice in a line", () => {
  const lines = [line(0, "Bread and bread"), line(1, "yeast"), line(2, "BREAD")];
  expect(findAll(lines, " bread ")).toEqual([
    { line: 0, from: 0, to: 5 },
    { line: 0, from: 10, to: 15 },
    { line: 2, from: 0, to: 5 },
  ]);
  expect(findAll(lines, "  ")).toEqual([]);
});

test("finding in twenty thousand lines is quick enough to type by", () => {
  const lines = Array.from({ length: 20_000 }, (_, index) =>
    line(index, `the talk goes on about bread number ${index}`),
  );
  expect(findAll(lines, "number 19999")).toHaveLength(1);
});
