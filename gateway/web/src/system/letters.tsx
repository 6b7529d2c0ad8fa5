// Dead letters: work that was given up and messages that could not be applied, to be retried or dropped.

import { A } from "@solidjs/router";
import { createResource, createSignal, For, Show, type JSX } from "solid-js";
import { toDate, type DeadLetter } from "@vidmesh/client";

import { ago, plural } from "../format";
import { NAMES } from "../jobs/job-card";
import { enlisted, jobs } from "../jobs/jobs";
import { asProblem, mesh } from "../mesh";
import { Icon } from "../parts/icon";
import { regret } from "../parts/regret";
import { Waiting } from "../parts/states";
import { toast } from "../parts/toast";
import { tellTrouble } from "../parts/trouble";
import { polled } from "./polled";
import { saidBy } from "./said";
import { Unread } from "./unread";

const SHOWN = 50;

export function Letters(): JSX.Element {
  let heading: HTMLHeadingElement | undefined;
  const [busy, setBusy] = createSignal(false);
  // Dropped, but not yet so that it cannot be undone.
  const [dropped, setDropped] = createSignal<ReadonlySet<string>>(new Set());
  const kept = polled((signal) => mesh.ingest.listDeadLetters({ pageSize: SHOWN }, { signal }));
  const list = () => (kept.value()?.letters ?? []).filter(({ id }) => !dropped().has(id));
  const more = () => (kept.value()?.nextPageToken ? "+" : "");
  // The button that was pressed goes with its letter, and the keyboard's place with it.
  const keepPlace = () => {
    if (document.activeElement === null || document.activeElement === document.body) heading?.focus();
  };
  const tell = (thrown: unknown) => {
    tellTrouble(thrown);
  };
  const retry = async (wanted: DeadLetter[]) => {
    setBusy(true);
    // A job's letters go together.
    const taken = new Set<string>();
    let begun = 0;
    for (const { id, jobId } of wanted) {
      if (jobId !== "" && taken.has(jobId)) continue;
      taken.add(jobId);
      try {
        await enlisted(mesh.ingest.retryDeadLetter({ letterId: id }));
        begun += 1;
      } catch (thrown) {
        tell(thrown);
      }
    }
    if (begun > 0) toast(begun === 1 ? "It is tried again." : `${begun} are tried again.`);
    await kept.again();
    setBusy(false);
    keepPlace();
  };
  const drop = (wanted: DeadLetter[]) => {
    const ids = wanted.map(({ id }) => id);
    const restore = () => setDropped((before) => new Set([...before].filter((id) => !ids.includes(id))));
    const act = async () => {
      try {
        await Promise.all(ids.map((letterId) => mesh.ingest.dropDeadLetter({ letterId })));
      } catch (thrown) {
        tell(thrown);
      }
      await kept.again();
      restore();
    };
    setDropped((before) => new Set([...before, ...ids]));
    regret(`${plural(ids.length, "dead letter")} dropped.`, () => void act(), restore);
    keepPlace();
  };
  return (
    <>
      <div class="title-row">
        <h2 id="letters" class="section-title" tabindex="-1" ref={(element) => (heading = element)}>
          Dead letters{" "}
          <Show when={kept.value()}>
            <span class="count">
              {list().length}
              {more()}
            </span>
          </Show>
        </h2>
        <Show when={list().length > 1}>
          <div class="actions">
            <button class="button quiet" disabled={busy()} onClick={() => void retry(list())}>
              <Icon name="retry" /> Retry all
            </button>
            <button class="button quiet" disabled={busy()} onClick={() => drop(list())}>
              <Icon name="trash" /> Drop all
            </button>
          </div>
        </Show>
      </div>
      <Show
        when={kept.value()}
        fallback={
          <Show when={kept.problem()} fallback={<Waiting lines={3} label="Looking for dead letters" />}>
            {(error) => <Unread error={error()} />}
          </Show>
        }
      >
        <Show when={list().length > 0} fallback={<p class="faint">Nothing was given up.</p>}>
          <p class="faint">
            What each stage has given up, piece by piece. A retry takes up all that was given up of its job;
            what is dropped stays undone.
          </p>
          <ul class="card rows" aria-labelledby="letters">
            <For each={list()}>
              {(letter) => (
                <Letter
                  letter={letter}
                  now={kept.at()}
                  busy={busy()}
                  retry={() => void retry([letter])}
                  drop={() => drop([letter])}
                />
              )}
            </For>
          </ul>
        </Show>
      </Show>
    </>
  );
}

function Letter(props: {
  letter: DeadLetter;
  now: number;
  busy: boolean;
  retry: () => void;
  drop: () => void;
}): JSX.Element {
  const title = () => jobs.list.find(({ id }) => id === props.letter.jobId)?.title ?? props.letter.key;
  const what = () => `${props.letter.kind.replaceAll("_", " ")} of “${title()}”`;
  return (
    <li class="failed">
      <div class="failed-text">
        <Show
          when={props.letter.videoId}
          fallback={
            <span dir="auto" class="break">
              {title()}
            </span>
          }
        >
          {(video) => (
            <A href={`/watch/${video()}`} dir="auto" class="break">
              {title()}
            </A>
          )}
        </Show>
        <p class="small">
          {props.letter.failure?.message} {props.letter.failure?.advice}
        </p>
        <p class="faint small">
          {NAMES[props.letter.stage]}, {props.letter.message ? "message" : "work"}{" "}
          <code>{props.letter.kind}</code>, tried {plural(props.letter.attempts, "time")}
          <Show when={toDate(props.letter.time)}>{(date) => `, ${ago(date(), props.now)}`}</Show>
        </p>
        <Said id={props.letter.id} name={what()} />
      </div>
      <div class="actions">
        <button
          class="button quiet"
          disabled={props.busy}
          aria-label={`Retry ${what()}`}
          onClick={() => props.retry()}
        >
          <Icon name="retry" /> Retry
        </button>
        <button
          class="button quiet"
          disabled={props.busy}
          aria-label={`Drop ${what()}`}
          onClick={() => props.drop()}
        >
          <Icon name="trash" /> Drop
        </button>
      </div>
    </li>
  );
}

/** What a letter says, which is read when it is asked for. */
function Said(props: { id: string; name: string }): JSX.Element {
  const [open, setOpen] = createSignal(false);
  const [said] = createResource(
    () => (open() ? props.id : undefined),
    async (letterId) => {
      try {
        const { letter } = await mesh.ingest.getDeadLetter({ letterId });
        return letter === undefined ? "" : saidBy(letter);
      } catch (thrown) {
        const error = asProblem(thrown);
        return `${error.message} ${error.advice}`;
      }
    },
  );
  return (
    <details class="said" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary aria-label={`What it says: ${props.name}`}>What it says</summary>
      <Show when={open()}>
        <Show when={!said.loading} fallback={<Waiting lines={2} label="Reading the letter" />}>
          <pre class="small" tabindex="0" dir="auto" aria-label="What it says">
            {said()}
          </pre>
        </Show>
      </Show>
    </details>
  );
}
