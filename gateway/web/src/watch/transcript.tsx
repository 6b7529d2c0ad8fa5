// The transcript: rows of which only those in view exist; the spoken word is marked, a click seeks, following can be left.

import { createVirtualizer, defaultRangeExtractor, measureElement } from "@tanstack/solid-virtual";
import {
  createEffect,
  createMemo,
  createSignal,
  For,
  on,
  onCleanup,
  onMount,
  Show,
  type Accessor,
  type JSX,
} from "solid-js";

import { clock } from "../format";
import { Icon } from "../parts/icon";
import { shortcut } from "../parts/keys";
import type { Following } from "./following";
import { placeAt, type Find, type Line } from "./lines";
import { motion } from "./motion";
import type { Player } from "./player";
import { RowEdit } from "./row-edit";

/** Pixels that a row is taken to be high until it has been measured. */
const ROW = 56;

export function Transcript(props: {
  lines: Line[];
  player: Player;
  finds: Find[];
  /** The find that is looked at, as a place in `finds`; -1: none. */
  found: number;
  following: Following;
  language: string;
  onCopy: (seconds: number) => void;
  /** Keeps a line's text as a person gives it; resolves to whether it was kept. */
  onCorrect: (line: Line, text: string) => Promise<boolean>;
}): JSX.Element {
  let box!: HTMLDivElement;
  /** Whether the line that is spoken is out of view. */
  const [away, setAway] = createSignal(false);
  const active = createMemo(() => placeAt(props.lines, props.player.time() + 0.05));
  const byLine = createMemo(() =>
    Map.groupBy(
      props.finds.map((find, place) => ({ ...find, place })),
      (find) => find.line,
    ),
  );

  /** The row with the keyboard's place; -1: none. It stays where it is scrolled away, with those that Tab goes to from it. */
  let held = -1;
  const hold = (target: EventTarget | null) => {
    const row = target instanceof Element ? target.closest<HTMLElement>("[data-index]") : null;
    held = Number(row?.dataset.index ?? -1);
  };

  const rows = createVirtualizer({
    get count() {
      return props.lines.length;
    },
    getScrollElement: () => box,
    estimateSize: () => ROW,
    // A new row's height is told by the observer of sizes, with that of all others at once: asking each would lay out for each.
    measureElement: (element, entry, of) =>
      entry === undefined
        ? (of.itemSizeCache.get(of.options.getItemKey(of.indexFromElement(element))) ?? ROW)
        : measureElement(element, entry, of),
    overscan: 4,
    rangeExtractor: (range) => {
      const kept = [held - 1, held, held + 1].filter(
        (place) => held >= 0 && place >= 0 && place < range.count,
      );
      return [...new Set([...kept, ...defaultRangeExtractor(range)])].sort((one, other) => one - other);
    },
    getItemKey: (place) => props.lines[place]?.index ?? place,
  });

  /** The line that is being corrected, by its index, and what is written by now. */
  const [edit, setEdit] = createSignal<{ index: number; draft: string }>();
  const begin = (line: Line | undefined) => {
    if (line === undefined) return;
    props.following.leave();
    setEdit({ index: line.index, draft: line.text });
  };
  const save = async (line: Line) => {
    const draft = edit()?.draft.trim() ?? "";
    if (draft === line.text || (await props.onCorrect(line, draft))) finish();
  };
  const finish = () => {
    setEdit(undefined);
    box.focus();
  };
  const cancel = (place: number) => {
    finish();
    box.querySelector<HTMLElement>(`[data-index="${place}"] .row-tools button`)?.focus();
  };

  const show = (place: number, behavior = motion()) => {
    const near = Math.abs(place - (rows.range?.startIndex ?? 0)) < 60;
    if (near && behavior === "smooth") rows.scrollToIndex(place, { align: "center", behavior });
    else jump(place);
  };
  const jump = (place: number) => {
    rows.scrollToIndex(place, { align: "center" });
    // The browser tells of a scroll with its next frame; told now, the rows are there in this one.
    box.dispatchEvent(new Event("scroll"));
  };
  const inView = (place: number): boolean => {
    const row = rows.getVirtualItems().find((item) => item.index === place);
    return row !== undefined && row.end > box.scrollTop && row.start < box.scrollTop + box.clientHeight;
  };

  // Only a reader's own scrolling ends following, and only when the spoken words have left the view.
  let touched = -Infinity;
  const touch = () => (touched = performance.now());
  const scrolled = () => {
    look();
    const own = performance.now() - touched < 800;
    if (props.following.on() && own && active() >= 0 && !inView(active())) props.following.leave();
  };
  const look = () => setAway(active() >= 0 && !inView(active()));

  createEffect(
    on([active, props.following.on], ([place, follows], before) => {
      const begins = follows && !before?.[1];
      if (begins) touched = -Infinity;
      // Before the first line is spoken, it is the one to show.
      if (begins || (follows && place >= 0)) show(Math.max(0, place));
      look();
    }),
  );
  createEffect(
    on(
      () => props.finds[props.found]?.line,
      (line) => {
        if (line === undefined) return;
        props.following.leave();
        show(line, "instant");
      },
    ),
  );

  // A transcript that comes anew begins at what is spoken.
  onCleanup(props.following.resume);
  onMount(() => {
    shortcut(["e"], () => begin(props.lines[active()]));
    const sized = new ResizeObserver(look);
    sized.observe(box);
    onCleanup(() => sized.disconnect());
  });

  const seek = (seconds: number) => {
    touched = -Infinity;
    props.player.seek(seconds);
    props.following.resume();
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
        onFocusIn={(event) => {
          touch();
          hold(event.target);
        }}
        onFocusOut={(event) => hold(event.relatedTarget)}
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
                      <Show
                        when={edit()?.index === line().index}
                        fallback={
                          <>
                            <RowText
                              line={line}
                              time={props.player.time}
                              active={item.index === active()}
                              finds={byLine().get(item.index) ?? []}
                              found={props.found}
                              onSeek={seek}
                            />
                            {/* By keys: e and c, for the line that is spoken. */}
                            <span class="row-tools">
                              <button
                                class="icon-button small"
                                tabindex="-1"
                                aria-label={`Correct the line at ${clock(line().start)}`}
                                title="Correct this line"
                                onClick={() => begin(line())}
                              >
                                <Icon name="edit" />
                              </button>
                              <button
                                class="icon-button small"
                                tabindex="-1"
                                aria-label={`Copy a link to ${clock(line().start)}`}
                                title="Copy a link to this moment"
                                onClick={() => props.onCopy(line().start)}
                              >
                                <Icon name="link" />
                              </button>
                            </span>
                          </>
                        }
                      >
                        <RowEdit
                          start={line().start}
                          draft={edit()?.draft ?? ""}
                          onDraft={(draft) => setEdit({ index: line().index, draft })}
                          onSave={() => save(line())}
                          onCancel={() => cancel(item.index)}
                        />
                      </Show>
                    </>
                  )}
                </Show>
              </div>
            )}
          </For>
        </div>
      </div>
      <Show when={!props.following.on() && away()}>
        <button class="button follow" onClick={() => props.following.resume()}>
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
