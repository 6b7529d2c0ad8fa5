import { create, DeadLetterSchema, toBinary, WindowReadySchema } from "@vidmesh/client";
import { expect, test } from "vitest";

import { saidBy } from "../../src/system/said";

const letter = (kind: string, payload: Uint8Array) => create(DeadLetterSchema, { kind, payload });
const ready = toBinary(WindowReadySchema, create(WindowReadySchema, { index: 3 }));

test.each(["window_ready", "window"])("a letter of kind %s says what its message says", (kind) => {
  expect(JSON.parse(saidBy(letter(kind, ready)))).toEqual({ index: 3 });
});

test("bytes that are no message of their kind are told as such", () => {
  expect(saidBy(letter("window_ready", new Uint8Array([0xff, 0xff])))).toBe(
    "2 bytes that are no WindowReady",
  );
});

test("of a kind that is not known the length is told", () => {
  expect(saidBy(letter("tidy", new Uint8Array(1200)))).toBe("1,200 bytes");
});
