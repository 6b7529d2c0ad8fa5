// A text cut where it matches. Places are counted in code points, as the API does.

export interface Piece {
  text: string;
  marked: boolean;
}

export function pieces(text: string, spans: readonly { start: number; end: number }[]): Piece[] {
  const points = Array.from(text);
  const found: Piece[] = [];
  let at = 0;
  for (const { start, end } of spans) {
    if (start > at) found.push({ text: points.slice(at, start).join(""), marked: false });
    found.push({ text: points.slice(start, end).join(""), marked: true });
    at = end;
  }
  if (at < points.length) found.push({ text: points.slice(at).join(""), marked: false });
  return found;
}
