// Read Markdown as elements.

import { For, Match, Show, Switch, type JSX } from "solid-js";

import { clock } from "../format";
import { blocks, type Block, type Inline } from "./prose";

export function Prose(props: {
  text: string;
  citation?: (number: number) => JSX.Element;
  /** Goes to a moment that the text names. */
  onMoment?: (seconds: number) => void;
}): JSX.Element {
  const words = (text: Inline[]) => (
    <For each={text}>
      {(piece) => {
        if (piece.kind === "strong") return <strong>{piece.text}</strong>;
        if (piece.kind === "emphasis") return <em>{piece.text}</em>;
        if (piece.kind === "code") return <code>{piece.text}</code>;
        if (piece.kind === "citation") return props.citation?.(piece.number) ?? `[${piece.number}]`;
        if (piece.kind === "moment") return <Moment seconds={piece.seconds} onGo={props.onMoment} />;
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

function Moment(props: { seconds: number; onGo: ((seconds: number) => void) | undefined }): JSX.Element {
  return (
    <Show when={props.onGo} fallback={`(${clock(props.seconds)})`}>
      {(go) => (
        <button
          class="moment"
          aria-label={`Go to ${clock(props.seconds)}`}
          onClick={() => go()(props.seconds)}
        >
          {clock(props.seconds)}
        </button>
      )}
    </Show>
  );
}
