// Read Markdown as elements.

import { For, Match, Switch, type JSX } from "solid-js";

import { blocks, type Block, type Inline } from "./prose";

export function Prose(props: { text: string; citation?: (number: number) => JSX.Element }): JSX.Element {
  const words = (text: Inline[]) => (
    <For each={text}>
      {(piece) => {
        if (piece.kind === "strong") return <strong>{piece.text}</strong>;
        if (piece.kind === "emphasis") return <em>{piece.text}</em>;
        if (piece.kind === "code") return <code>{piece.text}</code>;
        if (piece.kind === "citation") return props.citation?.(piece.number) ?? `[${piece.number}]`;
        return piece.text;
      }}
    </For>
  );
  const list = (block: Block & { kind: "list" }) => (
    <For each={block.items}>{(item) => <li>{words(item)}</li>}</For>
  );
  return (
    <div class="prose" dir="auto">
      <For each={blocks(props.text)}>
        {(block) => (
          <Switch>
            <Match when={block.kind === "heading" && block}>{(one) => <h3>{words(one().text)}</h3>}</Match>
            <Match when={block.kind === "paragraph" && block}>{(one) => <p>{words(one().text)}</p>}</Match>
            <Match when={block.kind === "list" && block.ordered && block}>
              {(one) => <ol>{list(one())}</ol>}
            </Match>
            <Match when={block.kind === "list" && block}>{(one) => <ul>{list(one())}</ul>}</Match>
          </Switch>
        )}
      </For>
    </div>
  );
}
