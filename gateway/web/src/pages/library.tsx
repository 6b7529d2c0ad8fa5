// The library: videos with folders, tags and an order; several at once can be moved, tagged and deleted.

import { Dialog } from "@kobalte/core/dialog";
import { A, useSearchParams } from "@solidjs/router";
import { createEffect, createMemo, createSignal, For, on, onMount, Show, type JSX } from "solid-js";
import { createStore } from "solid-js/store";
import { toDate, toSeconds, VideoOrder, type VidmeshError, type Video } from "@vidmesh/client";

import { ago, clock, plural } from "../format";
import { asProblem, mesh } from "../mesh";
import { Icon } from "../parts/icon";
import { Empty, Problem, Waiting } from "../parts/states";
import { toast } from "../parts/toast";
import { folders, readShelves, tags } from "./library-data";

const PAGE = 60;
const ORDERS = [VideoOrder.NEWEST, VideoOrder.TITLE, VideoOrder.LONGEST] as const;
/** Milliseconds in which a delete can be taken back. */
const REGRET = 6000;

export function Library(): JSX.Element {
  const [query, setQuery] = useSearchParams<{ folder?: string; tag?: string; order?: string }>();
  const [videos, setVideos] = createSignal<Video[]>([]);
  const [next, setNext] = createSignal("");
  const [loaded, setLoaded] = createSignal(false);
  const [problem, setProblem] = createSignal<VidmeshError>();
  const [chosen, setChosen] = createStore<Record<string, boolean>>({});
  const order = () => ORDERS.find((one) => String(one) === query.order) ?? VideoOrder.NEWEST;
  const selection = createMemo(() => videos().filter((video) => chosen[video.id]));

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

  /** Does something to several videos, and says how it went. */
  const each = async (
    list: Video[],
    work: (video: Video) => Promise<unknown>,
    said: (count: number) => string,
  ) => {
    try {
      for (const video of list) await work(video);
      toast(said(list.length));
    } catch (thrown) {
      const error = asProblem(thrown);
      toast(`${error.message} ${error.advice}`);
    }
    setChosen(Object.fromEntries(list.map((video) => [video.id, false])));
    await Promise.all([read(), readShelves()]);
  };
  const move = (list: Video[], folderId: string) =>
    each(
      list,
      (video) => mesh.query.updateVideo({ videoId: video.id, folderId }),
      (count) => `${plural(count, "video")} moved.`,
    );
  const tag = (list: Video[], name: string) =>
    each(
      list,
      (video) =>
        mesh.query.updateVideo({ videoId: video.id, tags: { names: [...new Set([...video.tags, name])] } }),
      (count) => `${plural(count, "video")} tagged “${name}”.`,
    );
  const untag = (video: Video, name: string) =>
    each(
      [video],
      () =>
        mesh.query.updateVideo({
          videoId: video.id,
          tags: { names: video.tags.filter((one) => one !== name) },
        }),
      () => `The tag “${name}” is off.`,
    );
  const remove = (list: Video[]) => {
    const gone = new Set(list.map((video) => video.id));
    setVideos((all) => all.filter((video) => !gone.has(video.id)));
    setChosen(Object.fromEntries(list.map((video) => [video.id, false])));
    const timer = setTimeout(() => {
      void each(
        list,
        (video) => mesh.ingest.deleteVideo({ videoId: video.id }),
        (count) => `${plural(count, "video")} deleted for good.`,
      );
    }, REGRET);
    const close = toast(`${plural(list.length, "video")} will be deleted.`, {
      label: "Undo",
      run: () => {
        clearTimeout(timer);
        void read();
      },
    });
    setTimeout(close, REGRET);
  };

  return (
    <div class="page wide library">
      <header class="library-head">
        <h1>Library</h1>
        <label>
          <span class="hidden">Order</span>
          <select class="select small" onChange={(event) => setQuery({ order: event.currentTarget.value })}>
            <option value={VideoOrder.NEWEST} selected={order() === VideoOrder.NEWEST}>
              Newest first
            </option>
            <option value={VideoOrder.TITLE} selected={order() === VideoOrder.TITLE}>
              By title
            </option>
            <option value={VideoOrder.LONGEST} selected={order() === VideoOrder.LONGEST}>
              Longest first
            </option>
          </select>
        </label>
      </header>
      <div class="library-grid">
        <nav class="shelves" aria-label="Folders and tags">
          <button
            class="shelf"
            aria-current={!query.folder && !query.tag ? "true" : undefined}
            onClick={() => setQuery({ folder: undefined, tag: undefined })}
          >
            <Icon name="library" /> All videos
          </button>
          <For each={folders()}>
            {(one) => (
              <button
                class="shelf"
                aria-current={query.folder === one.id ? "true" : undefined}
                onClick={() => setQuery({ folder: one.id, tag: undefined })}
              >
                <Icon name="folder" />{" "}
                <span class="ellipsis" dir="auto">
                  {one.name}
                </span>{" "}
                <span class="count">{one.videoCount}</span>
              </button>
            )}
          </For>
          <NewFolder />
          <For each={tags()}>
            {(one) => (
              <button
                class="shelf"
                aria-current={query.tag === one.name ? "true" : undefined}
                onClick={() => setQuery({ tag: one.name, folder: undefined })}
              >
                <Icon name="tag" />{" "}
                <span class="ellipsis" dir="auto">
                  {one.name}
                </span>{" "}
                <span class="count">{one.videoCount}</span>
              </button>
            )}
          </For>
        </nav>
        <div>
          <Show when={selection().length > 0}>
            <div class="bulk card" role="toolbar" aria-label="Selected videos">
              <strong>{plural(selection().length, "video")}</strong>
              <select
                class="select small"
                aria-label="Move to a folder"
                onChange={(event) => {
                  const { value } = event.currentTarget;
                  event.currentTarget.value = "?";
                  void move(selection(), value === "-" ? "" : value);
                }}
              >
                <option value="?">Move to…</option>
                <option value="-">No folder</option>
                <For each={folders()}>{(one) => <option value={one.id}>{one.name}</option>}</For>
              </select>
              <form
                onSubmit={(event) => {
                  event.preventDefault();
                  const field = event.currentTarget.elements.namedItem("tag") as HTMLInputElement;
                  const name = field.value.trim();
                  field.value = "";
                  if (name !== "") void tag(selection(), name);
                }}
              >
                <input
                  class="input small"
                  name="tag"
                  list="tags"
                  placeholder="Add a tag"
                  aria-label="Add a tag"
                  maxlength="100"
                />
                <datalist id="tags">
                  <For each={tags()}>{(one) => <option value={one.name} />}</For>
                </datalist>
              </form>
              <button class="button quiet bad" onClick={() => remove(selection())}>
                <Icon name="trash" /> Delete
              </button>
            </div>
          </Show>
          <Show when={problem()}>{(error) => <Problem error={error()} again={() => void read()} />}</Show>
          <Show when={loaded()} fallback={<Waiting lines={8} label="Loading your library" />}>
            <Show
              when={videos().length > 0}
              fallback={
                <Show when={!problem()}>
                  <Empty
                    icon="library"
                    title={query.folder || query.tag ? "Nothing in here" : "Your library is empty"}
                  >
                    <A href="/" class="button primary">
                      Add videos
                    </A>
                  </Empty>
                </Show>
              }
            >
              <ul class="videos">
                <For each={videos()}>
                  {(video) => (
                    <li class="card video" classList={{ chosen: chosen[video.id] ?? false }}>
                      <input
                        type="checkbox"
                        class="check"
                        aria-label={`Select “${video.title}”`}
                        checked={chosen[video.id] ?? false}
                        onChange={(event) => setChosen(video.id, event.currentTarget.checked)}
                      />
                      <div class="video-text">
                        <h2 dir="auto">
                          <A href={`/watch/${video.id}`}>{video.title}</A>
                        </h2>
                        <p class="faint job-meta">
                          <Show when={video.duration}>
                            {(duration) => <span>{clock(toSeconds(duration()))}</span>}
                          </Show>
                          <Show when={video.author}>
                            <span dir="auto">{video.author}</span>
                          </Show>
                          <Show when={toDate(video.createdAt)}>{(date) => <span>{ago(date())}</span>}</Show>
                          <Show when={!video.searchable}>
                            <span class="badge live">Not yet whole</span>
                          </Show>
                        </p>
                        <Show when={video.summary}>
                          <p class="clamp" dir="auto">
                            {video.summary.replaceAll(/[*#`]/g, "")}
                          </p>
                        </Show>
                        <Show when={video.tags.length > 0}>
                          <p class="tag-list">
                            <For each={video.tags}>
                              {(name) => (
                                <span class="tag">
                                  {name}
                                  <button
                                    aria-label={`Take the tag “${name}” off`}
                                    onClick={() => void untag(video, name)}
                                  >
                                    <Icon name="close" />
                                  </button>
                                </span>
                              )}
                            </For>
                          </p>
                        </Show>
                      </div>
                    </li>
                  )}
                </For>
              </ul>
              <Show when={next()}>
                <button class="button" onClick={() => void read(next())}>
                  More
                </button>
              </Show>
            </Show>
          </Show>
        </div>
      </div>
    </div>
  );
}

function NewFolder(): JSX.Element {
  const [open, setOpen] = createSignal(false);
  const [problem, setProblem] = createSignal("");
  const create = async (form: HTMLFormElement) => {
    const name = (form.elements.namedItem("name") as HTMLInputElement).value.trim();
    if (name === "") return;
    try {
      await mesh.query.createFolder({ name });
      await readShelves();
      setOpen(false);
    } catch (thrown) {
      const error = asProblem(thrown);
      setProblem(`${error.message} ${error.advice}`);
    }
  };
  return (
    <Dialog open={open()} onOpenChange={setOpen}>
      <Dialog.Trigger class="shelf faint" onClick={() => setProblem("")}>
        <Icon name="add" /> New folder
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Overlay class="overlay" />
        <Dialog.Content class="dialog">
          <Dialog.Title>New folder</Dialog.Title>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              void create(event.currentTarget);
            }}
          >
            <label class="field">
              Name
              <input class="input" name="name" maxlength="200" required autocomplete="off" />
            </label>
            <Show when={problem()}>
              {(text) => (
                <p class="note bad" role="alert">
                  {text()}
                </p>
              )}
            </Show>
            <div class="dialog-actions">
              <Dialog.CloseButton class="button">Cancel</Dialog.CloseButton>
              <button class="button primary">Make it</button>
            </div>
          </form>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog>
  );
}
