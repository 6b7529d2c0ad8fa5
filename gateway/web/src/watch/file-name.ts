// What a file that is saved is called. Pure.

/** Characters, without the ending. */
const MOST = 80;

/** A title as a file's name, without what file systems refuse; `instead` where nothing is left of it. */
export function fileName(title: string, ending: string, instead: string): string {
  const safe = title
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}/\\:*?"<>|]+/gu, " ")
    .replaceAll(/\s+/g, " ")
    .replace(/^[\s.]+/, "");
  const name = Array.from(safe)
    .slice(0, MOST)
    .join("")
    .replace(/[\s.]+$/, "");
  return `${name || instead}.${ending}`;
}
