// The Markdown that models write, read into plain pieces: nothing of it ever becomes HTML by itself.

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "strong"; text: string }
  | { kind: "emphasis"; text: string }
  | { kind: "code"; text: string }
  | { kind: "citation"; number: number }
  /** A moment in brackets, as "(1:05)"; in seconds. */
  | { kind: "moment"; seconds: number };

export type Block =
  | { kind: "heading"; text: Inline[] }
  | { kind: "paragraph"; text: Inline[] }
  | { kind: "list"; ordered: boolean; items: Inline[][] };

const INLINE =
  /\*\*(?<strong>[^*]+)\*\*|(?<![\w*])[*_](?<emphasis>[^*_\s][^*_]*)[*_](?![\w*])|`(?<code>[^`]+)`|\[(?<citation>\d{1,3})\]|\((?<moment>(?:\d{1,2}:)?\d{1,2}:\d{2})\)/g;

export function inline(text: string): Inline[] {
  const pieces: Inline[] = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > from) pieces.push({ kind: "text", text: text.slice(from, match.index) });
    from = match.index + match[0].length;
    const { strong, emphasis, code, citation, moment } = match.groups ?? {};
    if (strong !== undefined) pieces.push({ kind: "strong", text: strong });
    else if (emphasis !== undefined) pieces.push({ kind: "emphasis", text: emphasis });
    else if (code !== undefined) pieces.push({ kind: "code", text: code });
    else if (moment !== undefined) pieces.push({ kind: "moment", seconds: seconds(moment) });
    else pieces.push({ kind: "citation", number: Number(citation) });
  }
  if (from < text.length) pieces.push({ kind: "text", text: text.slice(from) });
  return pieces;
}

function seconds(clock: string): number {
  return clock.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
}

export function blocks(markdown: string): Block[] {
  const found: Block[] = [];
  let open = false;
  for (const line of markdown.split(/\r?\n/)) {
    const text = line.trim();
    const last = found.at(-1);
    const heading = /^#{1,6}\s+(.*)$/.exec(text);
    const item = /^(?:[-*+•]|(\d+)[.)])\s+(.*)$/.exec(text);
    if (text === "") open = false;
    else if (heading !== null) {
      found.push({ kind: "heading", text: inline(heading[1] ?? "") });
      open = false;
    } else if (item !== null) {
      const ordered = item[1] !== undefined;
      const words = inline(item[2] ?? "");
      if (last?.kind === "list" && last.ordered === ordered) last.items.push(words);
      else found.push({ kind: "list", ordered, items: [words] });
      open = true;
    } else if (open && last?.kind === "paragraph")
      last.text.push({ kind: "text", text: " " }, ...inline(text));
    else if (open && last?.kind === "list")
      last.items.at(-1)?.push({ kind: "text", text: " " }, ...inline(text));
    else {
      found.push({ kind: "paragraph", text: inline(text) });
      open = true;
    }
  }
  return found;
}
