// All the caller's jobs, live: one stream for the page, which goes on at its sequence over breaks and reloads.

import { createSignal } from "solid-js";
import { createStore, reconcile } from "solid-js/store";
import { hasEnded, toSeconds, type Job, type VidmeshError, type WatchMessage } from "@vidmesh/client";

import { asProblem, mesh } from "../mesh";
import { fromJob, heardThrough, told, type JobView } from "./job-view";

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
/** For each call on its way, what was told since it began: its answer may have been written before that. */
const underWay = new Set<WatchMessage[]>();

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
  await Promise.all([list(signal, kept?.list), watch(signal)]);
}

async function list(signal: AbortSignal, kept?: readonly JobView[]): Promise<void> {
  try {
    await hearing(async (heard) => {
      const page = await mesh.ingest.listJobs({ pageSize: SHOWN }, { signal });
      const known = new Map((kept ?? jobs.list).map((job) => [job.id, job]));
      const listed = page.jobs.map((job) => fromJob(job, known.get(job.id)));
      setJobs("list", reconcile(told(listed, heard), { key: "id" }));
      setLoaded(true);
      setProblem(undefined);
      flush();
      const unheard = page.jobs.filter((job) => !hasEnded(job) && !known.has(job.id));
      await Promise.all(unheard.slice(0, CAUGHT_UP).map((job) => catchUp(job.id, job.videoId, signal)));
    });
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
  const ended = () => signal.aborted;
  while (!ended()) {
    const hidden = new AbortController();
    const forget = onHidden(() => hidden.abort());
    try {
      const options = {
        after,
        signal: AbortSignal.any([signal, hidden.signal]),
        onBreak: () => setConnected(false),
        onOpen: () => {
          setConnected(true);
          // What happened before a watch from now on, or longer ago than events are kept, only a list tells.
          void list(signal);
        },
        patienceMs: Infinity,
      };
      for await (const message of mesh.watchAll(options)) {
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
  if (!loaded() || pending.length === 0) return;
  const messages = pending;
  pending = [];
  after = messages[messages.length - 1]?.value.sequence ?? after;
  for (const heard of underWay) heard.push(...messages);
  setJobs("list", reconcile(told(jobs.list, messages), { key: "id" }));
}

/** Makes a call with what is told from here on until it is through. */
async function hearing<T>(call: (heard: readonly WatchMessage[]) => Promise<T>): Promise<T> {
  flush();
  const heard: WatchMessage[] = [];
  underWay.add(heard);
  try {
    return await call(heard);
  } finally {
    underWay.delete(heard);
  }
}

/** Puts the job of a call's answer into the list at once, as it stands with what was told while the answer was on its way. */
export function enlisted<T extends { job?: Job }>(call: Promise<T>): Promise<T> {
  return hearing(async (heard) => {
    const answer = await call;
    if (answer.job !== undefined) put(answer.job, heard);
    return answer;
  });
}

/** The same for a call that answers with one job after another; gives how many there were. */
export function enlistedEach(answers: AsyncIterable<{ job?: Job }>): Promise<number> {
  return hearing(async (heard) => {
    let count = 0;
    for await (const { job } of answers) {
      if (job !== undefined) put(job, heard);
      count += 1;
    }
    return count;
  });
}

function put(job: Job, heard: readonly WatchMessage[]): void {
  const before = jobs.list.find((one) => one.id === job.id);
  const rest = jobs.list.filter((one) => one.id !== job.id);
  const place = before === undefined ? 0 : jobs.list.indexOf(before);
  const now = told([fromJob(job, before)], heard).filter(({ id }) => id === job.id);
  setJobs("list", reconcile(rest.toSpliced(place, 0, ...now), { key: "id" }));
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
