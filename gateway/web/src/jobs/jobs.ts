// All the caller's jobs, live: one stream for the page, which goes on at its sequence over breaks and reloads.

import { batch, createSignal } from "solid-js";
import { createStore, reconcile } from "solid-js/store";
import { VidmeshError, type WatchMessage } from "@vidmesh/client";

import { asProblem, mesh } from "../mesh";
import { advance, fromJob, unknownJob, type JobView } from "./job-view";

const KEY = "vidmesh.jobs";
const SHOWN = 100;
/** Milliseconds between two changes of the page: eyes need no more. */
const BEAT = 100;

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
    flush();
  } catch (thrown) {
    const error = asProblem(thrown);
    if (!error.aborted) setProblem(error);
  }
}

async function watch(signal: AbortSignal): Promise<void> {
  const onBreak = () => setConnected(false);
  try {
    for await (const message of mesh.watchAll({ after, signal, onBreak, patienceMs: Infinity })) {
      setConnected(true);
      pending.push(message);
      timer ??= setTimeout(flush, BEAT);
    }
  } catch (thrown) {
    const error = asProblem(thrown);
    if (!error.aborted) setProblem(error);
  }
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
