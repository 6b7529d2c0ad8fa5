// A video: player, transcript, summary, chapters.

import { DropdownMenu } from "@kobalte/core/dropdown-menu";
import { Tabs } from "@kobalte/core/tabs";
import { useParams, useSearchParams } from "@solidjs/router";
import {
  createEffect,
  createMemo,
  createResource,
  createSignal,
  For,
  on,
  onCleanup,
  onMount,
  Show,
  type JSX,
} from "solid-js";
import { ExportFormat, StageState, toSeconds, VidmeshError } from "@vidmesh/client";

import { clock, plural, readMoment, shortLink } from "../format";
import { asProblem, mesh } from "../mesh";
import { Icon } from "../parts/icon";
import { shortcut } from "../parts/keys";
import { Problem, Waiting } from "../parts/states";
import { toast } from "../parts/toast";
import { findAll, placeAt } from "../watch/lines";
import { mediaOf, rememberMedia } from "../watch/media";
import { createPlayer, RATES } from "../watch/player";
import { Stage } from "../watch/stage";
import { SummaryPanel } from "../watch/summary";
import { textOf } from "../watch/text-of";
import { Transcript } from "../watch/transcript";

const EXPORTS = [
  { name: "SubRip (.srt)", format: ExportFormat.SRT },
  { name: "WebVTT (.vtt)", format: ExportFormat.VTT },
  { name: "Plain text (.txt)", format: ExportFormat.TXT },
  { name: "JSON with words (.json)", format: ExportFormat.JSON },
];

export function Watch(): JSX.Element {
  const params = useParams<{ video: string }>();
  return (
    <Show when={params.video} keyed>
      {(video) => <WatchVideo video={video} />}
    </Show>
  );
}

function WatchVideo(props: { video: string }): JSX.Element {
  const [query] = useSearchParams<{ t?: string; play?: string }>();
  const id = props.video;
  const text = textOf(id);
  const [video, { refetch }] = createResource(async () => {
    try {
      const { video } = await mesh.query.getVideo({ videoId: id });
      return video;
    } catch (thrown) {
      return asProblem(thrown);
    }
  });
  const found = () => {
    const now = video.latest;
    return now instanceof VidmeshError ? undefined : now;
  };
  const problem = () => (video.latest instanceof VidmeshError ? video.latest : text.problem());
  const [chapters, { refetch: refetchChapters }] = createResource(async () => {
    try {
      return await mesh.summarize.listChapters({ videoId: id });
    } catch (thrown) {
      asProblem(thrown);
      return undefined;
    }
  });
  const marks = createMemo(() =>
    (chapters.latest?.chapters ?? []).map((one) => ({
      start: toSeconds(one.start),
      title: one.title,
      gist: one.gist,
    })),
  );
  // Titles and chapters come while the job runs.
  const live = () => {
    const state = text.transcript()?.state;
    return (
      state === StageState.RUNNING ||
      state === StageState.WAITING ||
      chapters.latest?.state === StageState.RUNNING ||
      chapters.latest?.state === StageState.WAITING
    );
  };
  const timer = setInterval(() => {
    if (!live()) return;
    void refetch();
    void refetchChapters();
  }, 3000);
  onCleanup(() => clearInterval(timer));

  const length = () =>
    toSeconds(text.transcript()?.duration ?? found()?.duration) || (text.lines().at(-1)?.end ?? 0);
  const player = createPlayer(length);
  const source = () => mediaOf(id, found()?.pageUrl ?? "");
  const [search, setSearch] = createSignal("");
  const [place, setPlace] = createSignal(-1);
  const finds = createMemo(() => findAll(text.lines(), search()));
  const moments = createMemo(() => [...new Set(finds().map((find) => text.lines()[find.line]?.start ?? 0))]);
  const step = (by: number) => {
    const count = finds().length;
    if (count > 0) setPlace((now) => (now + by + count) % count);
  };
  let box: HTMLInputElement | undefined;

  createEffect(on(search, () => setPlace(finds().length > 0 ? 0 : -1), { defer: true }));
  createEffect(
    on(
      () => query.t,
      (t) => {
        const moment = readMoment(t);
        if (moment !== undefined) player.seek(moment);
      },
    ),
  );
  createEffect(
    on(
      player.audible,
      (can) => {
        if (can && query.play === "1") player.play();
      },
      { defer: true },
    ),
  );
  createEffect(() => {
    document.title = `${found()?.title ?? "Video"} – vidmesh`;
  });

  onMount(() => {
    const speed = (by: number) => {
      const now = RATES.findIndex((rate) => rate === player.rate());
      const next = RATES[now + by];
      if (next !== undefined) player.setRate(next);
    };
    shortcut([" ", "k"], () => player.toggle());
    shortcut(["j"], () => player.seek(player.time() - 10));
    shortcut(["l"], () => player.seek(player.time() + 10));
    shortcut(["ArrowLeft"], () => player.seek(player.time() - 5));
    shortcut(["ArrowRight"], () => player.seek(player.time() + 5));
    shortcut(["m"], () => player.toggleMuted());
    shortcut([">"], () => speed(1));
    shortcut(["<"], () => speed(-1));
    for (let digit = 0; digit < 10; digit += 1) {
      shortcut([String(digit)], () => player.seek((player.duration() * digit) / 10));
    }
    shortcut(["/"], () => box?.focus());
    shortcut(["c"], () => void copy(player.time()));
  });

  const copy = async (seconds: number) => {
    const link = `${location.origin}/watch/${id}?t=${Math.floor(seconds)}`;
    await navigator.clipboard.writeText(link);
    toast(`The link to ${clock(seconds)} is copied.`);
  };
  const save = async (format: ExportFormat) => {
    try {
      const file = await mesh.transcribe.exportTranscript({ videoId: id, format });
      download(file.filename, file.mediaType, file.content);
    } catch (thrown) {
      const error = asProblem(thrown);
      toast(`${error.message} ${error.advice}`);
    }
  };
  const saveMarkdown = () => {
    const title = found()?.title ?? "Transcript";
    const lines = text.lines();
    const parts = (marks().length > 0 ? marks() : [{ start: 0, title: "Transcript" }]).map(
      (mark, number, all) => {
        const from = number === 0 ? 0 : placeAt(lines, mark.start - 0.01) + 1;
        const next = all[number + 1];
        const to = next === undefined ? lines.length : placeAt(lines, next.start - 0.01) + 1;
        return `## ${mark.title} (${clock(mark.start)})\n\n${lines
          .slice(from, to)
          .map((line) => line.text)
          .join(" ")}\n`;
      },
    );
    download(`${title}.md`, "text/markdown", `# ${title}\n\n${parts.join("\n")}`);
  };

  return (
    <div class="page wide watch">
      <Show when={problem()} fallback={null}>
        {(error) => <Problem error={error()} again={() => location.reload()} />}
      </Show>
      <Show when={!problem()}>
        <header class="watch-head">
          <div class="watch-title">
            <h1 dir="auto">{found()?.title ?? " "}</h1>
            <p class="faint job-meta">
              <Show when={length() > 0}>
                <span>{clock(length())}</span>
              </Show>
              <Show when={found()?.author}>{(author) => <span dir="auto">{author()}</span>}</Show>
              <Show when={found()?.pageUrl}>
                {(url) => (
                  <a class="ellipsis" href={url()} target="_blank" rel="noreferrer">
                    {shortLink(url())}
                  </a>
                )}
              </Show>
              <Show when={text.transcript()?.state === StageState.RUNNING}>
                <span class="badge live">Being transcribed</span>
              </Show>
            </p>
          </div>
          <div class="watch-actions">
            <button
              class="button"
              onClick={() => void copy(player.time())}
              title="Copy a link to this moment (c)"
            >
              <Icon name="link" /> Copy link
            </button>
            <DropdownMenu>
              <DropdownMenu.Trigger class="button">
                <Icon name="download" /> Export
              </DropdownMenu.Trigger>
              <DropdownMenu.Portal>
                <DropdownMenu.Content class="menu">
                  <For each={EXPORTS}>
                    {(one) => (
                      <DropdownMenu.Item class="menu-item" onSelect={() => void save(one.format)}>
                        {one.name}
                      </DropdownMenu.Item>
                    )}
                  </For>
                  <DropdownMenu.Item class="menu-item" onSelect={saveMarkdown}>
                    Markdown with chapters (.md)
                  </DropdownMenu.Item>
                </DropdownMenu.Content>
              </DropdownMenu.Portal>
            </DropdownMenu>
          </div>
        </header>
        <div class="watch-grid">
          <div class="watch-left">
            <Stage
              player={player}
              source={source()}
              chapters={marks()}
              finds={moments()}
              onFile={(file) => rememberMedia(id, file)}
            />
            <Tabs class="tabs">
              <Tabs.List class="tab-list" aria-label="About this video">
                <Tabs.Trigger class="tab" value="summary">
                  Summary
                </Tabs.Trigger>
                <Tabs.Trigger class="tab" value="chapters">
                  Chapters{" "}
                  <Show when={marks().length}>{(count) => <span class="count">{count()}</span>}</Show>
                </Tabs.Trigger>
              </Tabs.List>
              <Tabs.Content value="summary">
                <SummaryPanel videoId={id} />
              </Tabs.Content>
              <Tabs.Content value="chapters">
                <Show
                  when={marks().length > 0}
                  fallback={
                    <p class="faint panel">There are no chapters {live() ? "yet" : "in this video"}.</p>
                  }
                >
                  <ol class="chapters">
                    <For each={marks()}>
                      {(mark, number) => (
                        <li>
                          <button
                            class="chapter"
                            aria-current={
                              placeAt(marks(), player.time() + 0.05) === number() ? "true" : undefined
                            }
                            onClick={() => {
                              player.seek(mark.start);
                              player.play();
                            }}
                          >
                            <span class="row-time">{clock(mark.start)}</span>
                            <span dir="auto">
                              <strong>{mark.title}</strong>
                              <Show when={mark.gist}>
                                <span class="faint gist">{mark.gist}</span>
                              </Show>
                            </span>
                          </button>
                        </li>
                      )}
                    </For>
                  </ol>
                </Show>
              </Tabs.Content>
            </Tabs>
          </div>
          <section class="watch-right card" aria-label="Text">
            <div class="find" role="search">
              <Icon name="search" />
              <input
                ref={box}
                type="search"
                placeholder="Find in the transcript"
                aria-label="Find in the transcript"
                value={search()}
                onInput={(event) => setSearch(event.currentTarget.value)}
                onKeyDown={(event) => {
                  if (event.key === "Enter") {
                    step(event.shiftKey ? -1 : 1);
                    const line = text.lines()[finds()[place()]?.line ?? -1];
                    if (line !== undefined) player.seek(line.start);
                  } else if (event.key === "Escape") {
                    setSearch("");
                    box?.blur();
                  }
                }}
              />
              <Show when={search().trim()}>
                <span class="faint find-count" role="status">
                  {finds().length === 0 ? "not found" : `${place() + 1} of ${finds().length}`}
                </span>
                <button class="icon-button small" aria-label="The one before" onClick={() => step(-1)}>
                  <Icon name="up" />
                </button>
                <button class="icon-button small" aria-label="The next one" onClick={() => step(1)}>
                  <Icon name="down" />
                </button>
              </Show>
            </div>
            <Show
              when={text.lines().length > 0}
              fallback={
                <div class="panel">
                  <Show
                    when={text.transcript()?.failure}
                    fallback={
                      <Show
                        when={text.transcript()?.state === StageState.SUCCEEDED}
                        fallback={<Waiting lines={9} label="The transcript is on its way" />}
                      >
                        <p class="faint">Nothing is said in this video.</p>
                      </Show>
                    }
                  >
                    {(failure) => (
                      <div class="note bad">
                        <Icon name="warn" />
                        <p>
                          <strong>{failure().message}</strong> {failure().advice}
                        </p>
                      </div>
                    )}
                  </Show>
                </div>
              }
            >
              <Transcript
                lines={text.lines()}
                player={player}
                finds={finds()}
                found={place()}
                language={text.transcript()?.language ?? ""}
                onCopy={(seconds) => void copy(seconds)}
              />
              <p class="transcript-foot faint small">
                {plural(text.lines().length, "segment")}
                <Show when={text.transcript()?.model}>
                  {(model) => (
                    <>
                      {" "}
                      · {text.transcript()?.engine} {model()}
                    </>
                  )}
                </Show>
                <Show when={text.transcript()?.notice}>{(notice) => <> · {notice()}</>}</Show>
              </p>
            </Show>
          </section>
        </div>
      </Show>
    </div>
  );
}

function download(name: string, type: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
