// Search over the library: what was said, grouped by video, each hit at its moment.

import { A, useSearchParams } from "@solidjs/router";
import {
  createEffect,
  createMemo,
  createResource,
  createSignal,
  For,
  on,
  onMount,
  Show,
  type JSX,
} from "solid-js";
import { toSeconds, VidmeshError, type Hit } from "@vidmesh/client";

import { clock, plural } from "../format";
import { asProblem, mesh } from "../mesh";
import { Icon } from "../parts/icon";
import { shortcut } from "../parts/keys";
import { pieces } from "../parts/snippet";
import { Empty, Problem, Waiting } from "../parts/states";
import { ScopeFilter, scopeOf } from "../library/scope-filter";

const HITS = 60;
const PAUSE_MS = 250;

interface Group {
  id: string;
  title: string;
  hits: Hit[];
}

export function Search(): JSX.Element {
  const [query, setQuery] = useSearchParams<{
    q?: string;
    folder?: string;
    tag?: string;
    language?: string;
  }>();
  const [text, setText] = createSignal(query.q ?? "");
  let box!: HTMLInputElement;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stop = new AbortController();

  const wanted = () => ({ q: (query.q ?? "").trim(), scope: scopeOf(query) });
  const [found, { refetch }] = createResource(wanted, async ({ q, scope }) => {
    stop.abort();
    if (q === "") return undefined;
    stop = new AbortController();
    try {
      return await mesh.search(q, { pageSize: HITS, scope, signal: stop.signal });
    } catch (thrown) {
      const error = asProblem(thrown);
      return error.aborted ? undefined : error;
    }
  });
  const answer = () => {
    const now = found.latest;
    return now instanceof VidmeshError ? undefined : now;
  };
  const groups = createMemo(() => {
    const all = new Map<string, Group>();
    for (const hit of answer()?.hits ?? []) {
      const group = all.get(hit.videoId) ?? { id: hit.videoId, title: hit.videoTitle, hits: [] };
      group.hits.push(hit);
      all.set(hit.videoId, group);
    }
    return [...all.values()];
  });

  const typed = (value: string) => {
    setText(value);
    clearTimeout(timer);
    timer = setTimeout(() => setQuery({ q: value.trim() || undefined }, { replace: true }), PAUSE_MS);
  };
  createEffect(
    on(
      () => query.q,
      (q) => {
        if (document.activeElement !== box) setText(q ?? "");
      },
    ),
  );
  onMount(() => {
    box.focus();
    shortcut(["/"], () => box.focus());
  });

  return (
    <div class="page narrow">
      <h1>Search</h1>
      <form
        class="search-box"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          clearTimeout(timer);
          setQuery({ q: text().trim() || undefined });
        }}
      >
        <Icon name="search" />
        <input
          ref={box}
          type="search"
          aria-label="Search in what was said"
          placeholder={'Words, "a phrase", -without'}
          value={text()}
          onInput={(event) => typed(event.currentTarget.value)}
        />
      </form>
      <div class="filters">
        <ScopeFilter chosen={query} onChoose={(chosen) => setQuery({ ...chosen })} />
        <span class="faint small" role="status">
          <Show when={wanted().q && groups().length > 0}>
            {plural(answer()?.hits.length ?? 0, "moment")} in {plural(groups().length, "video")}
            {answer()?.degraded ? ", by words alone" : ""}
          </Show>
        </span>
      </div>
      <Show when={found.latest instanceof VidmeshError && found.latest}>
        {(error) => <Problem error={error()} again={() => void refetch()} />}
      </Show>
      <Show
        when={wanted().q}
        fallback={
          <Empty icon="search" title="What was said, and where">
            Search by words and by meaning in everything that you have added, also in what is still at work.
          </Empty>
        }
      >
        <Show when={found.latest !== undefined} fallback={<Waiting lines={6} label="Searching" />}>
          <Show
            when={groups().length > 0}
            fallback={
              <Show when={answer()}>
                <Empty icon="search" title="Nothing was found">
                  Try other words, or fewer of them.
                </Empty>
              </Show>
            }
          >
            <div class="stack">
              <For each={groups()}>
                {(group) => (
                  <section class="card group">
                    <h2 dir="auto">
                      <A href={`/watch/${group.id}`}>{group.title}</A>{" "}
                      <span class="count">
                        {group.hits.length}
                        <span class="hidden"> {group.hits.length === 1 ? "moment" : "moments"}</span>
                      </span>
                    </h2>
                    <ol class="hits">
                      <For each={group.hits}>{(hit) => <HitLine hit={hit} />}</For>
                    </ol>
                  </section>
                )}
              </For>
            </div>
          </Show>
        </Show>
      </Show>
    </div>
  );
}

function HitLine(props: { hit: Hit }): JSX.Element {
  const moment = () => toSeconds(props.hit.moment);
  return (
    <li>
      <A class="hit" href={`/watch/${props.hit.videoId}?t=${moment().toFixed(1)}&play=1`}>
        <span class="row-time">
          <Icon name="play" /> {clock(moment())}
        </span>
        <span class="hit-text" dir="auto">
          <For each={pieces(props.hit.snippet?.text ?? "", props.hit.snippet?.highlights ?? [])}>
            {(piece) => (
              <Show when={piece.marked} fallback={piece.text}>
                {<mark>{piece.text}</mark>}
              </Show>
            )}
          </For>
        </span>
      </A>
    </li>
  );
}
