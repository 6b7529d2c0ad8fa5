// Links in what somebody pasted. Pure.

const LINK = /https?:\/\/\S+/g;
/** What ends a sentence or closes a bracket around a link, and is no part of it. */
const TAIL = /[.,;:!?'"»”’>]+$/;
const BRACKETS = [
  ["(", ")"],
  ["[", "]"],
] as const;

/** Every link of a text once, in order, without the punctuation around it. */
export function linksIn(text: string): string[] {
  return [...new Set((text.match(LINK) ?? []).map(trimmed))];
}

/** The lines that have words and no link. */
export function linklessIn(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "" && linksIn(line).length === 0);
}

function trimmed(link: string): string {
  const bare = link.replace(TAIL, "");
  for (const [open, close] of BRACKETS) {
    if (bare.endsWith(close) && !bare.includes(open)) return trimmed(bare.slice(0, -1));
  }
  return bare;
}

/** What a link of a site with playlists names: a list, a video that is in one, or neither as far as its form tells. */
export function listOf(link: string): "list" | "within" | undefined {
  const url = URL.canParse(link) ? new URL(link) : undefined;
  if (url === undefined) return undefined;
  const path = url.pathname;
  if (/(^|\.)youtube\.com$/.test(url.hostname)) {
    if (path === "/playlist" || /^\/(@|channel\/|c\/|user\/)/.test(path)) return "list";
    return url.searchParams.has("list") ? "within" : undefined;
  }
  if (url.hostname === "youtu.be") return url.searchParams.has("list") ? "within" : undefined;
  if (/(^|\.)vimeo\.com$/.test(url.hostname) && /^\/(showcase|album|channels)\/[^/]+\/?$/.test(path))
    return "list";
  if (/(^|\.)soundcloud\.com$/.test(url.hostname) && path.includes("/sets/")) return "list";
  return undefined;
}
