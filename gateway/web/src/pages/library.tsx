// The library: videos with folders, tags and an order; several at once can be moved, tagged and deleted.

import { A, useSearchParams } from "@solidjs/router";
import { createEffect, createMemo, createSignal, For, on, onMount, Show, type JSX } from "solid-js";
import { createStore } from "solid-js/store";
import { VideoOrder, type Video, type VidmeshError } from "@vidmesh/client";

import { plural } from "../format";
import { isOver } from "../jobs/job-view";
import { jobs } from "../jobs/jobs";
import { BulkBar } from "../library/bulk-bar";
import { readShelves } from "../library/shelf-data";
import { Shelves } from "../library/shelves";
import { VideoCard } from "../library/video-card";
import { asProblem, mesh } from "../mesh";
import { Empty, Problem, Waiting } from "../parts/states";
import { regret } from "../parts/regret";
import { toast } from "../parts/toast";
import { tellTrouble } from "../parts/trouble";

const PAGE = 60;

const ORDERS = [
  { order: VideoOrder.NEWEST, name: "Newest first" },
  { order: VideoOrder.TITLE, name: "By title" },
  { order: VideoOrder.LONGEST, name: "Longest first" },
];

export function Library(): JSX.Element {
  const [query, setQuery] = useSearchParams<{ folder?: string; tag?: string; order?: string }>();
  const [videos, setVideos] = createSignal<Video[]>([]);
  const [next, setNext] = createSignal("");
  const [loaded, setLoaded] = createSignal(false);
  const [problem, setProblem] = createSignal<VidmeshError>();
  const [chosen, setChosen] = createStore<Record<string, boolean>>({});
  const order = () => ORDERS.find((one) => String(one.order) === query.order)?.order ?? VideoOrder.NEWEST;
  const selection = createMemo(() => videos().filter((video) => chosen[video.id]));
  const unchoose = (list: Video[]) => setChosen(Object.fromEntries(list.map((video) => [video.id, false])));

  const read = async (pageToken = "") => {
    setProblem(undefined);
    try {
      const scope = { folderId: query.folder ?? "", tags: query.tag ? [query.tag] : [] };
      const page = await mesh.query.listVideos({ pageSize: PAGE, pageToken, scope, order: order() });
      setVideos((before) => (pageToken === "" ? page.videos : [...before, ...page.videos]));
      setNext(page.nextPageToken);
    } catch (thrown) {
      setProblem(asProblem(thrown));
    }
    setLoaded(true);
  };
  createEffect(
    on(
      () => [query.folder, query.tag, query.order],
      () => void read(),
    ),
  );
  onMount(() => void readShelves());
  // What a job makes of a video is told when it has ended; further pages stay as they were read.
  createEffect(
    on(
      () => jobs.list.filter(isOver).length,
      () => {
        if (videos().length <= PAGE) void read();
      },
      { defer: true },
    ),
  );

  /** Does something to several videos, says how it went, and shows what is there now; what was chosen stays so. */
  const each = async (list: Video[], work: (video: Video) => Promise<unknown>, said: string) => {
    try {
      for (const video of list) await work(video);
      toast(`${plural(list.length, "video")} ${said}.`);
    } catch (thrown) {
      tellTrouble(thrown);
    }
    await Promise.all([read(), readShelves()]);
  };
  const setTags = (videoId: string, names: string[]) => mesh.query.updateVideo({ videoId, tags: { names } });
  const move = (folderId: string) =>
    each(selection(), (video) => mesh.query.updateVideo({ videoId: video.id, folderId }), "moved");
  const tag = (name: string) =>
    each(selection(), (video) => setTags(video.id, [...new Set([...video.tags, name])]), `tagged “${name}”`);
  const untag = (video: Video, name: string) => {
    const names = video.tags.filter((one) => one !== name);
    return each([video], () => setTags(video.id, names), `no longer tagged “${name}”`);
  };
  const remove = (list: Video[]) => {
    setVideos((all) => all.filter((video) => !list.includes(video)));
    unchoose(list);
    const act = () =>
      each(list, (video) => mesh.ingest.deleteVideo({ videoId: video.id }), "deleted for good");
    regret(
      `${plural(list.length, "video")} will be deleted.`,
      () => void act(),
      () => void read(),
    );
  };

  return (
    <div class="page wide library">
      <header class="library-head">
        <h1>Library</h1>
        <select
          class="select small"
          aria-label="Order"
          onChange={(event) => setQuery({ order: event.currentTarget.value })}
        >
          <For each={ORDERS}>
            {(one) => (
              <option value={one.order} selected={one.order === order()}>
                {one.name}
              </option>
            )}
          </For>
        </select>
      </header>
      <div class="library-grid">
        <Shelves
          chosen={{ folder: query.folder, tag: query.tag }}
          onChoose={({ folder, tag }) => setQuery({ folder, tag })}
        />
        <div>
          <Show when={selection().length > 0}>
            <BulkBar
              count={selection().length}
              of={videos().length}
              onAll={() => setChosen(Object.fromEntries(videos().map((video) => [video.id, true])))}
              onNone={() => unchoose(videos())}
              onMove={(folderId) => void move(folderId)}
              onTag={(name) => void tag(name)}
              onDelete={() => remove(selection())}
            />
          </Show>
          <Show when={problem()}>{(error) => <Problem error={error()} again={() => void read()} />}</Show>
          <Show when={loaded()} fallback={<Waiting lines={8} label="Loading your library" />}>
            <ul class="videos">
              <For each={videos()}>
                {(video) => (
                  <VideoCard
                    video={video}
                    job={jobs.list.find((job) => job.videoId === video.id)}
                    chosen={chosen[video.id] ?? false}
                    onChoose={(now) => setChosen(video.id, now)}
                    onUntag={(name) => void untag(video, name)}
                  />
                )}
              </For>
            </ul>
            <Show when={videos().length === 0 && !problem()}>
              <Empty
                icon="library"
                title={query.folder || query.tag ? "Nothing in here" : "Your library is empty"}
              >
                <Show
                  when={query.folder}
                  fallback={
                    <A href="/" class="button primary">
                      Add videos
                    </A>
                  }
                >
                  Select videos among all videos, then move them here.
                </Show>
              </Empty>
            </Show>
            <Show when={next()}>
              <button class="button" onClick={() => void read(next())}>
                More
              </button>
            </Show>
          </Show>
        </div>
      </div>
    </div>
  );
}
