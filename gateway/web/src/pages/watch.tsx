// A video: player, transcript, summary, chapters, questions.

import { Tabs } from "@kobalte/core/tabs";
import { A, useParams, useSearchParams } from "@solidjs/router";
import { createEffect, createMemo, createSignal, on, onCleanup, onMount, Show, type JSX } from "solid-js";
import { StageState } from "@vidmesh/client";

import { clock, length, readMoment, shortLink } from "../format";
import { isOver } from "../jobs/job-view";
import { jobs } from "../jobs/jobs";
import { Icon } from "../parts/icon";
import { shortcut } from "../parts/keys";
import { NameDialog } from "../parts/name-dialog";
import { Problem } from "../parts/states";
import { toast } from "../parts/toast";
import { narrow } from "../parts/width";
import { AskPanel } from "../watch/ask-panel";
import { Chapters } from "../watch/chapters";
import { ExportMenu } from "../watch/export-menu";
import { createFinder } from "../watch/finder";
import { createFollowing } from "../watch/following";
import { toMarkdown } from "../watch/markdown";
import { rememberMedia } from "../watch/media";
import { NothingHad } from "../watch/nothing-had";
import { keepPlace, placeLeft } from "../watch/place";
import { createPlayer, type Player } from "../watch/player";
import { playerKeys } from "../watch/player-keys";
import { sourceOf } from "../watch/source-of";
import { Stage } from "../watch/stage";
import { SummaryPanel } from "../watch/summary";
import { textOf } from "../watch/text-of";
import { TextPanel } from "../watch/text-panel";
import { videoOf } from "../watch/video-of";

export function Watch(): JSX.Element {
  const params = useParams<{ video: string }>();
  return (
    <Show when={params.video} keyed>
      {(video) => <WatchVideo id={video} />}
    </Show>
  );
}

/** The page of one video; for another one it is made anew. */
function WatchVideo(props: { id: string }): JSX.Element {
  const [query] = useSearchParams<{ t?: string; play?: string }>();
  const id = props.id;
  const atWork = createMemo(() => jobs.list.some((job) => job.videoId === id && !isOver(job)));
  const text = textOf(id, atWork);
  const about = videoOf(id, text);
  const media = sourceOf(id, about);
  const player = createPlayer(() => about.length() || (text.lines().at(-1)?.end ?? 0));
  const finder = createFinder(text.lines);
  const following = createFollowing();
  /** Seconds. What plays may last a little longer than what was read of it. */
  const whole = () => about.length() || player.duration();
  const title = () => about.video()?.title ?? "";
  /** The transcript of a video of which there is neither text nor anything that plays. */
  const nothingHad = () => {
    const known = about.video() !== undefined && !media.looking();
    return known && media.source() === undefined ? text.wordless() : undefined;
  };
  const [chosen, setTab] = createSignal("");
  /** Where there is no room beside the player, the transcript is a tab below it, the first one. */
  const tab = () => {
    if (chosen() === "" || (chosen() === "text" && !narrow())) return narrow() ? "text" : "summary";
    return chosen();
  };

  const copy = async (seconds: number) => {
    const link = `${location.origin}/watch/${id}?t=${Math.floor(seconds)}`;
    try {
      await navigator.clipboard.writeText(link);
      toast(`The link to ${clock(seconds)} is copied.`);
    } catch {
      // Pages that come by plain HTTP from another machine may not copy.
      toast(link);
    }
  };

  /** Goes to a moment; the transcript comes along. */
  const goTo = (seconds: number) => {
    player.seek(seconds);
    following.resume();
  };
  const playFrom = (seconds: number) => {
    goTo(seconds);
    player.play();
  };

  goOn(id, player, {
    moment: () => readMoment(query.t),
    playing: () => query.play === "1",
  });
  createEffect(() => {
    document.title = `${title() || "Video"} – vidmesh`;
  });
  onMount(() => {
    playerKeys(player);
    shortcut(["c"], () => void copy(player.time()));
  });

  const textPanel = () => (
    <TextPanel
      text={text}
      player={player}
      finder={finder}
      following={following}
      onCopy={(seconds) => void copy(seconds)}
    />
  );

  return (
    <div class="page wide watch">
      <Show
        when={about.problem()}
        fallback={
          <>
            <header class="watch-head">
              <div class="watch-title">
                <div class="title-line">
                  <h1 dir="auto" title={title()}>
                    {title() || "\u00a0"}
                  </h1>
                  <Show when={title()}>
                    <NameDialog
                      title="Rename the video"
                      name={title()}
                      trigger={<Icon name="edit" />}
                      triggerClass="icon-button small"
                      triggerLabel="Rename the video"
                      save={about.rename}
                    />
                  </Show>
                </div>
                <p class="faint job-meta">
                  <Show when={whole() > 0}>
                    <span>{length(whole())}</span>
                  </Show>
                  <Show when={about.video()?.author}>{(author) => <span dir="auto">{author()}</span>}</Show>
                  <Show when={about.video()?.pageUrl}>
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
              <Show when={!nothingHad()}>
                <div class="watch-actions">
                  <button
                    class="button"
                    title="Copy a link to this moment (c)"
                    onClick={() => void copy(player.time())}
                  >
                    <Icon name="link" /> Copy link
                  </button>
                  <ExportMenu
                    videoId={id}
                    title={title()}
                    markdown={() => toMarkdown(title(), about.chapters(), text.lines())}
                  />
                </div>
              </Show>
            </header>
            <Show
              when={nothingHad()}
              fallback={
                <div class="watch-grid">
                  <div class="watch-left">
                    <Stage
                      player={player}
                      media={media}
                      length={whole()}
                      live={about.live()}
                      chapters={about.chapters()}
                      finds={finder.moments()}
                      captions={about.captions()}
                      language={text.transcript()?.language ?? ""}
                      onMoment={goTo}
                      onFile={(file) => rememberMedia(id, file)}
                    />
                    <Tabs class="tabs" value={tab()} onChange={setTab}>
                      <Tabs.List class="tab-list" aria-label="About this video">
                        <Show when={narrow()}>
                          <Tabs.Trigger class="tab" value="text">
                            Transcript
                          </Tabs.Trigger>
                        </Show>
                        <Tabs.Trigger class="tab" value="summary">
                          Summary
                        </Tabs.Trigger>
                        <Tabs.Trigger class="tab" value="chapters">
                          Chapters{" "}
                          <Show when={about.chapters().length}>
                            {(count) => <span class="count">{count()}</span>}
                          </Show>
                        </Tabs.Trigger>
                        <Tabs.Trigger class="tab" value="ask">
                          Ask
                        </Tabs.Trigger>
                      </Tabs.List>
                      <Show when={narrow()}>
                        <Tabs.Content value="text">{textPanel()}</Tabs.Content>
                      </Show>
                      <Tabs.Content value="summary">
                        <SummaryPanel videoId={id} live={about.live()} onMoment={playFrom} />
                      </Tabs.Content>
                      <Tabs.Content value="chapters">
                        <Chapters
                          chapters={about.chapters()}
                          player={player}
                          live={about.live()}
                          onMoment={playFrom}
                        />
                      </Tabs.Content>
                      <Tabs.Content value="ask">
                        <AskPanel videoId={id} />
                      </Tabs.Content>
                    </Tabs>
                  </div>
                  <Show when={!narrow()}>{textPanel()}</Show>
                </div>
              }
            >
              {(transcript) => <NothingHad transcript={transcript()} title={title()} />}
            </Show>
          </>
        }
      >
        {(error) => (
          <Problem error={error()} again={() => location.reload()}>
            <A class="button" href="/library">
              Go to the library
            </A>
          </Problem>
        )}
      </Show>
    </div>
  );
}

interface Link {
  /** The moment that it names, in seconds. */
  moment: () => number | undefined;
  /** Whether it plays at once. */
  playing: () => boolean;
}

/** Goes to the link's moment, else to where the reader was; keeps that when they leave. */
function goOn(id: string, player: Player, link: Link): void {
  const left = link.moment() === undefined ? placeLeft(id) : undefined;
  if (left !== undefined) player.seek(left);
  createEffect(
    on([link.moment, player.audible], ([moment, audible], before) => {
      // What begins to be audible goes on where it is; a new link goes to its moment.
      if (moment !== undefined && moment !== before?.[0]) player.seek(moment);
      if (audible && link.playing()) player.play();
    }),
  );
  const leave = () => keepPlace(id, player.time(), player.duration());
  addEventListener("pagehide", leave);
  onCleanup(() => {
    removeEventListener("pagehide", leave);
    leave();
  });
}
