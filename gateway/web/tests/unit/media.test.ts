import { expect, test } from "vitest";

import { fromLink } from "../../src/watch/media";

test.each([
  ["https://www.youtube.com/watch?v=abc_123-XYZ", { kind: "youtube", id: "abc_123-XYZ" }],
  ["https://youtu.be/abc?t=3", { kind: "youtube", id: "abc" }],
  ["https://m.youtube.com/shorts/abc", { kind: "youtube", id: "abc" }],
  [
    "https://example.org/talk.mp4?x=1",
    { kind: "file", url: "https://example.org/talk.mp4?x=1", audio: false },
  ],
  ["https://example.org/talk.MP3", { kind: "file", url: "https://example.org/talk.MP3", audio: true }],
  ["https://example.org/page", undefined],
  ["https://notyoutube.com/watch?v=abc", undefined],
  ["javascript:alert(1)//a.mp4", undefined],
  ["", undefined],
])("%s plays as %o", (link, source) => {
  expect(fromLink(link)).toEqual(source);
});
