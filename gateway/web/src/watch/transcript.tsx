// The transcript: rows of which only those in view exist; the spoken word is marked, a click seeks, following can be left.

import { createVirtualizer } from "@tanstack/solid-virtual";
import { createEffect, createMemo, createSignal, For, on, Show, type Accessor, type JSX } from "solid-js";

import { clock } from "../format";
import { Icon } from "../parts/icon";
import { placeAt, type Find, type Line } from "./lines";
import type { Player } from "./player";

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export function Transcript(props: {
  lines: Line[];
  player: Player;
  finds: Find[];
  /** The find that is looked at, as a place in `finds`; -1: none. */
  found: number;
  language: string;
  onCopy: (seconds: number) => void;
}): JSX.Element {
  let box!: HTMLDivElement;
  const [follow, setFollow] = createSignal(true);
  const active = createMemo(() => placeAt(props.lines, props.player.time() + 0.05));
  const byLine = createMemo(() =>
    Map.groupBy(
      props.finds.map((find, place) => ({ ...find, place })),
      (find) => find.line,
    ),
  );

  const rows = createVirtualizer({
    get count() {
      return props.lines.length;
    },
    getScrollElement: () => box,
    estimateSize: () => 56,
    overscan: 8,
    getItemKey: (place) => props.lines[place]?.index ?? place,
  });

  const show = (place: number, smooth = true) => {
    const near = Math.abs(place - (rows.getVirtualItems()[0]?.index ?? 0)) < 60;
    rows.scrollToIndex(place, {
      align: "center",
      behavior: smooth && near && !calm.matches ? "smooth" : "auto",
    });
  };
  const inView = (place: number): boolean => {
    const row = box.querySelector(`[data-index="${place}"]`)?.getBoundingClientRect();
    const frame = box.getBoundingClientRect();
    return row !== undefined && row.bottom > frame.top && row.top < frame.bottom;
  };

  createEffect(
    on(active, (place) => {
      if (follow() && place >= 0) show(place);
    }),
  );
  createEffect(
    on(
      () => props.finds[props.found]?.line,
      (line) => {
        if (line === undefined) return;
        setFollow(false);
        show(line, false);
      },
    ),
  );

  // Only a reader's own scrolling ends following, and only when the spoken words have left the view.
  let touched = -Infinity;
  const touch = () => (touched = performance.now());
  const scrolled = () => {
    if (follow() && performance.now() - touched < 800 && active() >= 0 && !inView(active())) setFollow(false);
  };
  const resume = () => {
    touched = -Infinity;
    setFollow(true);
    show(Math.max(0, active()));
  };
  const seek = (seconds: number) => {
    touched = -Infinity;
    props.player.seek(seconds);
    setFollow(true);
    if (!props.player.playing()) props.player.play();
  };

  return (
    <div class="transcript">
      <div
        class="transcript-rows"
        ref={box}
        tabindex="0"
        role="region"
        aria-label="Transcript"
        lang={props.language || undefined}
        onWheel={touch}
        onTouchMove={touch}
        onPointerDown={(event) => {
          if (event.target === box) touch();
        }}
        onKeyDown={(event) => {
          if (["PageUp", "PageDown", "ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) touch();
        }}
        onScroll={scrolled}
      >
        <div style={{ height: `${rows.getTotalSize()}px`, position: "relative" }}>
          <For each={rows.getVirtualItems()}>
            {(item) => (
              <div
                class="row"
                classList={{ active: item.index === active() }}
                data-index={item.index}
                ref={(element) => {
                  queueMicrotask(() => rows.measureElement(element));
                }}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <Show when={props.lines[item.index]}>
                  {(line) => (
                    <>
                      <button
                        class="row-time"
                        aria-label={`Play from ${clock(line().start)}`}
                        onClick={() => seek(line().start)}
                      >
                        {clock(line().start)}
                      </button>
                      <RowText
                        line={line}
                        time={props.player.time}
                        active={item.index === active()}
                        finds={byLine().get(item.index) ?? []}
                        found={props.found}
                        onSeek={seek}
                      />
                      <button
                        class="icon-button small row-link"
                        aria-label={`Copy a link to ${clock(line().start)}`}
                        title="Copy a link to this moment"
                        onClick={() => props.onCopy(line().start)}
                      >
                        <Icon name="link" />
                      </button>
                    </>
                  )}
                </Show>
              </div>
            )}
          </For>
        </div>
      </div>
      <Show when={!follow() && active() >= 0}>
        <button class="button follow" onClick={resume}>
          <Icon name="follow" /> Back to what is spoken
        </button>
      </Show>
    </div>
  );
}

function RowText(props: {
  line: Accessor<Line>;
  time: Accessor<number>;
  active: boolean;
  finds: (Find & { place: number })[];
  found: number;
  onSeek: (seconds: number) => void;
}): JSX.Element {
  const spoken = createMemo(() => (props.active ? placeAt(props.line().words, props.time() + 0.05) : -1));
  const hit = (from: number, to: number) => props.finds.find((find) => find.from < to && find.to > from);
  /** A click between words, or on text without words of its own, seeks to the line. */
  const clicked = (event: MouseEvent) => {
    if ((getSelection()?.toString() ?? "") !== "") return;
    const word = (event.target as HTMLElement).closest<HTMLElement>("[data-start]");
    props.onSeek(word === null ? props.line().start : Number(word.dataset.start));
  };
  return (
    // The button beside it does the same by keyboard, for the line.
    <p class="row-text" dir="auto" onClick={clicked}>
      <Show
        when={props.line().words.length > 0}
        fallback={<Marked text={props.line().text} finds={props.finds} found={props.found} />}
      >
        <For each={props.line().words}>
          {(word, place) => {
            const found = () => hit(word.at, word.at + word.text.length);
            return (
              <>
                <span
                  data-start={word.start}
                  class="word"
                  classList={{
                    spoken: place() === spoken(),
                    found: found() !== undefined,
                    looked: found()?.place === props.found && found() !== undefined,
                  }}
                >
                  {word.text}
                </span>{" "}
              </>
            );
          }}
        </For>
      </Show>
    </p>
  );
}

/** A text with its finds marked. */
function Marked(props: { text: string; finds: (Find & { place: number })[]; found: number }): JSX.Element {
  const pieces = () => {
    const all: { text: string; place: number | undefined }[] = [];
    let at = 0;
    for (const find of props.finds) {
      all.push({ text: props.text.slice(at, find.from), place: undefined });
      all.push({ text: props.text.slice(find.from, find.to), place: find.place });
      at = find.to;
    }
    return [...all, { text: props.text.slice(at), place: undefined }];
  };
  return (
    <For each={pieces()}>
      {(piece) => (
        <span
          class="word"
          classList={{
            found: piece.place !== undefined,
            looked: piece.place !== undefined && piece.place === props.found,
          }}
        >
          {piece.text}
        </span>
      )}
    </For>
  );
}
