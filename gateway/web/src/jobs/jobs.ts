// All the caller's jobs, live: one stream for the page, which goes on at its sequence over breaks and reloads.

import { batch, createSignal } from "solid-js";
import { createStore, reconcile } from "solid-js/store";
import { hasEnded, toSeconds, type VidmeshError, type WatchMessage } from "@vidmesh/client";

import { asProblem, mesh } from "../mesh";
import { advance, fromJob, heardThrough, unknownJob, type JobView } from "./job-view";

const KEY = "vidmesh.jobs";
const SHOWN = 100;
/** Jobs at work that a new page asks after; what comes next tells of the others. */
const CAUGHT_UP = 10;
/** Milliseconds between two changes of the page: eyes need no more. */
const BEAT = 100;
/** Milliseconds out of sight after which the page lets its stream go. */
const HIDDEN = 20_000;

const [jobs, setJobs] = createStore<{ list: JobView[] }>({ list: [] });
const [loaded, setLoaded] = createSignal(false);
const [problem, setProblem] = createSignal<VidmeshError>();
const [connected, setConnected] = createSignal(true);

export { connected, jobs, loaded, problem };

/** What the page had when it was left: the sequence, and what only events tell. */
interface Kept {
  after: string;
  list: JobView[];
}

let after = 0n;
let pending: WatchMessage[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

/** Follows the jobs until the signal ends it. */
export async function followJobs(signal: AbortSignal): Promise<void> {
  const kept = restore();
  after = kept === undefined ? 0n : BigInt(kept.after);
  pending = [];
  addEventListener("pagehide", keep, { signal });
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    timer = undefined;
  });
  setProblem(undefined);
  setLoaded(false);
  setJobs("list", []);
  await Promise.all([list(signal, kept), watch(signal)]);
}

async function list(signal: AbortSignal, kept: Kept | undefined): Promise<void> {
  const before = new Map(kept?.list.map((job) => [job.id, job]));
  try {
    const page = await mesh.ingest.listJobs({ pageSize: SHOWN }, { signal });
    setJobs(
      "list",
      reconcile(
        page.jobs.map((job) => fromJob(job, before.get(job.id))),
        { key: "id" },
      ),
    );
    setLoaded(true);
    setProblem(undefined);
    flush();
    const unheard = page.jobs.filter((job) => !hasEnded(job) && !before.has(job.id));
    await Promise.all(unheard.slice(0, CAUGHT_UP).map((job) => catchUp(job.id, job.videoId, signal)));
  } catch (thrown) {
    const error = asProblem(thrown);
    if (!error.aborted) setProblem(error);
  }
}

/** Asks how far a job's text has come that was at work before the page was there. */
async function catchUp(id: string, videoId: string, signal: AbortSignal): Promise<void> {
  try {
    const { transcript } = await mesh.transcribe.getTranscript(
      { videoId, pageSize: 1, omitWords: true },
      { signal },
    );
    if (transcript === undefined) return;
    setJobs(
      "list",
      (job) => job.id === id,
      (job) => heardThrough(job, toSeconds(transcript.through), toSeconds(transcript.duration)),
    );
  } catch (thrown) {
    const error = asProblem(thrown);
    // A job whose text has not begun has none to ask for.
    if (error.reason !== "NOT_FOUND") throw error;
  }
}

/** Holds the stream while the page is in sight: a browser has few connections, and hidden pages would take them all. */
async function watch(signal: AbortSignal): Promise<void> {
  let missed = false as boolean; // set where the compiler does not look
  const ended = () => signal.aborted;
  while (!ended()) {
    const hidden = new AbortController();
    const forget = onHidden(() => hidden.abort());
    const onBreak = () => {
      setConnected(false);
      missed = true;
    };
    try {
      const options = {
        after,
        signal: AbortSignal.any([signal, hidden.signal]),
        onBreak,
        patienceMs: Infinity,
      };
      for await (const message of mesh.watchAll(options)) {
        setConnected(true);
        pending.push(message);
        timer ??= setTimeout(flush, BEAT);
      }
    } catch (thrown) {
      const error = asProblem(thrown);
      if (!error.aborted) {
        setProblem(error);
        return;
      }
    } finally {
      forget();
    }
    clearTimeout(timer);
    flush();
    await inSight(signal);
    // A watch that saw no event has no sequence to go on after: what it missed is in the list.
    if (!ended() && (missed || after === 0n)) await list(signal, { after: String(after), list: jobs.list });
  }
}

/** Acts when the page has been out of sight for a while; gives what calls it off. */
function onHidden(act: () => void): () => void {
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    clearTimeout(waiting);
    if (document.hidden) waiting = setTimeout(act, HIDDEN);
  };
  look();
  document.addEventListener("visibilitychange", look);
  return () => {
    clearTimeout(waiting);
    document.removeEventListener("visibilitychange", look);
  };
}

function inSight(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look);
    look();
  });
}

/** Applies what has come since the last beat. Before the list is there it waits, so that no event is lost under it. */
function flush(): void {
  timer = undefined;
  if (!loaded()) return;
  const messages = pending;
  pending = [];
  const touched = new Map<string, JobView | undefined>();
  const find = (id: string) => (touched.has(id) ? touched.get(id) : jobs.list.find((job) => job.id === id));
  for (const { case: kind, value } of messages) {
    after = value.sequence;
    if (kind === "snapshot") {
      if (value.job !== undefined) touched.set(value.job.id, fromJob(value.job, find(value.job.id)));
    } else if (value.event.case === "videoDeleted") {
      const { videoId } = value.event.value;
      for (const job of jobs.list) if (job.videoId === videoId) touched.set(job.id, undefined);
    } else {
      touched.set(value.jobId, advance(find(value.jobId) ?? unknownJob(value), value));
    }
  }
  if (touched.size === 0) return;
  batch(() => {
    const known = new Set(jobs.list.map((job) => job.id));
    const born = [...touched.values()]
      .filter((job) => job !== undefined && !known.has(job.id))
      .reverse() as JobView[];
    const rest = jobs.list
      .map((job) => (touched.has(job.id) ? touched.get(job.id) : job))
      .filter((job) => job !== undefined);
    setJobs("list", reconcile([...born, ...rest], { key: "id" }));
  });
}

/** Puts a job as the API answered with it into the list at once. */
export function putJob(job: Parameters<typeof fromJob>[0]): void {
  const before = jobs.list.find((one) => one.id === job.id);
  const rest = jobs.list.filter((one) => one.id !== job.id);
  const place = before === undefined ? 0 : jobs.list.indexOf(before);
  setJobs("list", reconcile(rest.toSpliced(place, 0, fromJob(job, before)), { key: "id" }));
}

function keep(): void {
  flush();
  const kept: Kept = { after: String(after), list: jobs.list };
  if (after > 0n) sessionStorage.setItem(KEY, JSON.stringify(kept));
}

function restore(): Kept | undefined {
  const text = sessionStorage.getItem(KEY);
  return text === null ? undefined : (JSON.parse(text) as Kept);
}
