import { expect, test } from "vitest";

import { ago, bytes, clock, length, plural, rate, readMoment, shortLink, span } from "../../src/format";

test.each([
  [0, "0:00"],
  [7.9, "0:07"],
  [750, "12:30"],
  [3723, "1:02:03"],
  [-1, "0:00"],
])("%d seconds are %s on the clock", (seconds, text) => {
  expect(clock(seconds)).toBe(text);
});

test.each([
  [151.4, "2:31"],
  [151.9, "2:32"],
  [3599.6, "1:00:00"],
])("a video of %d seconds is %s long", (seconds, text) => {
  expect(length(seconds)).toBe(text);
});

test.each([
  [0.2, "1 s"],
  [59, "59 s"],
  [59.6, "1 min"],
  [3599, "1 h"],
  [4800, "1 h 20 min"],
])("%d seconds last %s", (seconds, text) => {
  expect(span(seconds)).toBe(text);
});

test.each([
  [812, "812 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [1_337_137, "1.3 MB"],
  [999_600, "1.0 MB"],
  [123_456_789, "123 MB"],
])("%d bytes are %s", (count, text) => {
  expect(bytes(count)).toBe(text);
});

test("rates are told where they mean something", () => {
  expect(rate("bytes", 2_000_000)).toBe("2.0 MB/s");
  expect(rate("seconds", 2.24)).toBe("2.2× real time");
  expect(rate("seconds", 31.6)).toBe("32× real time");
  expect(rate("sections", 3)).toBe("");
  expect(rate("bytes", 0)).toBe("");
});

test.each([
  ["90", 90],
  ["90.5", 90.5],
  ["1m30s", 90],
  ["1h2m3s", 3723],
  ["", undefined],
  ["later", undefined],
  [undefined, undefined],
])("the moment %s is %s", (text, seconds) => {
  expect(readMoment(text)).toBe(seconds);
});

test("times that have passed are told as people do", () => {
  const now = Date.UTC(2026, 10, 21, 12);
  const before = (seconds: number) => ago(new Date(now - seconds * 1000), now);
  expect(before(5)).toBe("just now");
  expect(before(300)).toBe("5 minutes ago");
  expect(before(7300)).toBe("2 hours ago");
  expect(before(90_000)).toBe("yesterday");
});

test("links and counts read well", () => {
  expect(shortLink("https://www.example.org/talk/")).toBe("example.org/talk");
  expect(plural(1, "video")).toBe("1 video");
  expect(plural(1200, "video")).toBe("1,200 videos");
});
