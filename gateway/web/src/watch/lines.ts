// A transcript as lines with words that can be marked, and what is found in it. Pure.

import { toSeconds, type Segment } from "@vidmesh/client";

export interface LineWord {
  start: number;
  end: number;
  text: string;
  /** Where it begins in the line's text. */
  at: number;
}

export interface Line {
  index: number;
  /** Seconds. */
  start: number;
  end: number;
  text: string;
  /** Empty where captions gave the text. */
  words: LineWord[];
}

export interface Find {
  /** The line's place in the list. */
  line: number;
  /** The first character in the line's text, and the one after the last. */
  from: number;
  to: number;
}

export function toLine(segment: Segment): Line {
  const words: LineWord[] = [];
  let text = "";
  for (const word of segment.words) {
    const written = word.text.trim();
    if (written === "") continue;
    if (text !== "") text += " ";
    words.push({ start: toSeconds(word.start), end: toSeconds(word.end), text: written, at: text.length });
    text += written;
  }
  return {
    index: segment.index,
    start: toSeconds(segment.start),
    end: toSeconds(segment.end),
    text: words.length > 0 ? text : segment.text.trim(),
    words,
  };
}

/** The place of the last item that starts at or before a time; -1 before the first. Items are in the order of time. */
export function placeAt(items: readonly { start: number }[], time: number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((items[middle]?.start ?? Infinity) <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

const MOST = 2000;

/** Every place where the lines hold a text, whatever its case. */
export function findAll(lines: readonly Line[], text: string): Find[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return [];
  const finds: Find[] = [];
  for (const [line, { text: said }] of lines.entries()) {
    const lower = said.toLowerCase();
    for (let from = lower.indexOf(wanted); from >= 0; from = lower.indexOf(wanted, from + wanted.length)) {
      finds.push({ line, from, to: from + wanted.length });
      if (finds.length === MOST) return finds;
    }
  }
  return finds;
}
