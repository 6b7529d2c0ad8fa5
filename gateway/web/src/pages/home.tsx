// Add videos, and see how their jobs go.

import { createMemo, createSignal, For, Show, type JSX } from "solid-js";
import type { VidmeshError } from "@vidmesh/client";

import { plural, shortLink } from "../format";
import { JobCard } from "../jobs/job-card";
import { isOver } from "../jobs/job-view";
import { enlisted, enlistedEach, jobs, loaded, problem } from "../jobs/jobs";
import { isLeaving } from "../jobs/removal";
import { linklessIn, linksIn, listOf } from "../links";
import { asProblem, mesh } from "../mesh";
import { Icon } from "../parts/icon";
import { Empty, Problem, Waiting } from "../parts/states";
import { toast } from "../parts/toast";
import { addFiles } from "../uploads";

const RECENT = 30;
/** More links than this are counted when they were taken on: their cards are out of sight. */
const MANY = 3;

export function Home(): JSX.Element {
  const live = createMemo(() => jobs.list.filter((job) => !isOver(job)));
  const ended = createMemo(() =>
    jobs.list.filter((job) => isOver(job) && !isLeaving(job.id)).slice(0, RECENT),
  );
  return (
    <div class="page narrow">
      <h1>Add videos</h1>
      <AddForm />
      <Show when={problem()}>{(error) => <Problem error={error()} again={() => location.reload()} />}</Show>
      <Show
        when={loaded()}
        fallback={<Show when={!problem()}>{<Waiting lines={5} label="Loading your jobs" />}</Show>}
      >
        <Show when={live().length > 0}>
          <section aria-labelledby="live">
            <h2 id="live" class="section-title">
              At work <span class="count">{live().length}</span>
            </h2>
            <div class="stack">
              <For each={live()}>{(job) => <JobCard job={job} />}</For>
            </div>
          </section>
        </Show>
        <Show
          when={ended().length > 0}
          fallback={
            <Show when={live().length === 0}>
              <Empty icon="file" title="Nothing here yet">
                Paste a link or drop a recording above. Its text appears while it is still being fetched.
              </Empty>
            </Show>
          }
        >
          <section aria-labelledby="ended">
            <h2 id="ended" class="section-title">
              Lately
            </h2>
            <div class="stack">
              <For each={ended()}>{(job) => <JobCard job={job} />}</For>
            </div>
          </section>
        </Show>
      </Show>
    </div>
  );
}

function AddForm(): JSX.Element {
  const [text, setText] = createSignal("");
  const [busy, setBusy] = createSignal(false);
  const [whole, setWhole] = createSignal(false);
  const [refused, setRefused] = createSignal<{ link: string; error: VidmeshError }[]>([]);
  const links = createMemo(() => linksIn(text()));
  const within = createMemo(() => links().filter((link) => listOf(link) === "within").length);
  let chooser!: HTMLInputElement;

  const submit = async (event: Event) => {
    event.preventDefault();
    if (links().length === 0 || busy()) return;
    setBusy(true);
    setRefused([]);
    const wrong: { link: string; error: VidmeshError }[] = [];
    const unread = linklessIn(text());
    const given = links();
    for (const link of given) {
      const list = listOf(link);
      try {
        await (list === "list" || (list === "within" && whole()) ? addList(link) : addOne(link));
      } catch (thrown) {
        wrong.push({ link, error: asProblem(thrown) });
      }
    }
    setRefused(wrong);
    setText([...wrong.map(({ link }) => link), ...unread].join("\n"));
    if (given.length > MANY) toast(`${plural(given.length - wrong.length, "link")} taken on.`);
    setWhole(false);
    setBusy(false);
  };

  return (
    <form class="card add" onSubmit={(event) => void submit(event)}>
      <label for="links" class="hidden">
        Links to videos, one or many
      </label>
      <textarea
        id="links"
        rows="3"
        placeholder="Paste links to videos, recordings or playlists"
        value={text()}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey || !text().includes("\n")))
            void submit(event);
        }}
      />
      <Show when={text().trim() !== "" && links().length === 0}>
        <p class="faint small">A link begins with http:// or https://.</p>
      </Show>
      <For each={refused()}>
        {({ link, error }) => (
          <div class="note bad" role="alert">
            <Icon name="warn" />
            <p>
              <span class="break">{link}</span>: <strong>{error.message}</strong> {error.advice}
            </p>
          </div>
        )}
      </For>
      <Show when={within() > 0}>
        <label class="choice">
          <input
            type="checkbox"
            class="check"
            checked={whole()}
            onChange={(event) => setWhole(event.currentTarget.checked)}
          />
          {within() > 1
            ? "Add the whole playlists of these links"
            : "Add the whole playlist that this link is in"}
        </label>
      </Show>
      <div class="add-actions">
        <button class="button primary" disabled={links().length === 0 || busy()}>
          {busy() ? "Adding…" : links().length > 1 ? `Add ${links().length} links` : "Add link"}
        </button>
        <button type="button" class="button" onClick={() => chooser.click()}>
          <Icon name="file" /> Choose files
        </button>
        <span class="faint small drop-hint">or drop files anywhere on the page</span>
        <input
          ref={chooser}
          class="hidden"
          type="file"
          multiple
          accept="video/*,audio/*,.mkv,.flac"
          aria-label="Video and sound files"
          tabindex="-1"
          onChange={(event) => {
            addFiles(event.currentTarget.files ?? []);
            event.currentTarget.value = "";
          }}
        />
      </div>
    </form>
  );
}

async function addOne(link: string): Promise<void> {
  const { job, existing } = await enlisted(mesh.submit(link));
  if (!existing) return;
  const href = `/watch/${job.videoId}`;
  toast(`“${job.title || shortLink(link)}” is already there.`, { href, label: "Open it" });
}

async function addList(link: string): Promise<void> {
  const count = await enlistedEach(mesh.submitPlaylist(link));
  toast(`${plural(count, "video")} of the playlist taken on.`);
}
