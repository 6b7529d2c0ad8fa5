// Files on their way: they go on while the page changes, and after a reload where the same file is given again.

import { createStore, produce } from "solid-js/store";
import type { Upload, VidmeshError } from "@vidmesh/client";

import { enlisted } from "./jobs/jobs";
import { rememberMedia } from "./watch/media";
import { asProblem, mesh } from "./mesh";
import { toast } from "./parts/toast";

export interface UploadView {
  key: string;
  name: string;
  size: number;
  sent: number;
  /** Bytes a second. */
  rate: number;
  /** Seconds. */
  remaining: number | undefined;
  state: "sending" | "waiting" | "failed" | "interrupted";
  problem: VidmeshError | undefined;
}

/** What is kept of an upload so that it can go on. */
interface Begun {
  id: string;
  name: string;
  size: number;
  sent: number;
}

const KEY = "vidmesh.uploads";
const AT_ONCE = 2;
/**
 * Bytes. The job of a file larger than this begins while it is sent. A smaller one is there soon, and only a whole file can
 * be told to be one that is known.
 */
const EARLY = 32_000_000;

const [uploads, setUploads] = createStore<UploadView[]>(interrupted());
const stops = new Map<string, AbortController>();
const files = new Map<string, File>();
/** The jobs of files that are read while they are sent. */
const early = new Map<string, string>();
const queue: string[] = [];
let sending = 0;

export { uploads };

const keyOf = (file: File) => `${file.name}|${file.size}|${file.lastModified}`;

export function addFiles(list: Iterable<File>): void {
  for (const file of list) {
    const key = keyOf(file);
    if (stops.has(key)) continue;
    files.set(key, file);
    const view: UploadView = {
      key,
      name: file.name,
      size: file.size,
      sent: 0,
      rate: 0,
      remaining: undefined,
      state: "sending",
      problem: undefined,
    };
    setUploads(produce((all) => replace(all, view)));
    queue.push(key);
  }
  sendNext();
}

export function stopUpload(key: string): void {
  stops.get(key)?.abort();
  forget(key);
  const jobId = early.get(key);
  if (jobId !== undefined) void cancel(jobId);
  setUploads((all) => all.filter((one) => one.key !== key));
}

export function retryUpload(key: string): void {
  const file = files.get(key);
  if (file !== undefined) addFiles([file]);
}

async function cancel(jobId: string): Promise<void> {
  try {
    await mesh.ingest.cancelJob({ jobId });
  } catch (thrown) {
    toast(asProblem(thrown).message);
  }
}

function sendNext(): void {
  while (sending < AT_ONCE) {
    const key = queue.shift();
    if (key === undefined) return;
    const file = files.get(key);
    if (file === undefined) continue;
    sending += 1;
    void send(key, file).finally(() => {
      sending -= 1;
      stops.delete(key);
      early.delete(key);
      sendNext();
    });
  }
}

async function send(key: string, file: File): Promise<void> {
  const stop = new AbortController();
  stops.set(key, stop);
  try {
    const upload = await mesh.upload(file, {
      resume: begun()[key]?.id,
      signal: stop.signal,
      onBegin: async ({ id, offset }) => {
        remember(key, { id, name: file.name, size: file.size, sent: Number(offset) });
        if (file.size <= EARLY) return;
        const { job } = await enlisted(mesh.submit({ id }, { signal: stop.signal }));
        early.set(key, job.id);
        rememberMedia(job.videoId, file);
      },
      onProgress: ({ uploadId, sent, rate, remaining, interruption }) => {
        remember(key, { id: uploadId, name: file.name, size: file.size, sent });
        change(key, {
          sent,
          rate,
          remaining,
          state: interruption ? "waiting" : "sending",
          problem: interruption,
        });
      },
    });
    if (early.has(key)) toast(`${file.name} has arrived.`);
    else await submit(upload, file, stop.signal);
    forget(key);
    files.delete(key);
    setUploads((all) => all.filter((one) => one.key !== key));
  } catch (thrown) {
    const error = asProblem(thrown);
    if (error.aborted) return;
    // An upload that is gone, or no longer what it was, is begun anew the next time.
    if (error.told && !error.retryable) forget(key);
    change(key, { state: "failed", problem: error, rate: 0, remaining: undefined });
  }
}

async function submit(upload: Pick<Upload, "id">, file: File, signal: AbortSignal): Promise<void> {
  const { job, existing } = await enlisted(mesh.submit(upload, { signal }));
  rememberMedia(job.videoId, file);
  if (existing)
    toast(`${file.name} is already in your library.`, { href: `/watch/${job.videoId}`, label: "Open it" });
  else toast(`${file.name} has arrived.`);
}

function change(key: string, fields: Partial<UploadView>): void {
  setUploads((one) => one.key === key, fields);
}

function replace(all: UploadView[], view: UploadView): void {
  const place = all.findIndex((one) => one.key === view.key);
  if (place >= 0) all[place] = view;
  else all.push(view);
}

function begun(): Record<string, Begun> {
  return JSON.parse(localStorage.getItem(KEY) ?? "{}") as Record<string, Begun>;
}

function remember(key: string, one: Begun): void {
  localStorage.setItem(KEY, JSON.stringify({ ...begun(), [key]: one }));
}

function forget(key: string): void {
  const rest = Object.entries(begun()).filter(([one]) => one !== key);
  localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(rest)));
}

/** Uploads that a reload cut off: a page may not read a file again by itself. */
function interrupted(): UploadView[] {
  return Object.entries(begun()).map(([key, { name, size, sent }]) => ({
    key,
    name,
    size,
    sent,
    rate: 0,
    remaining: undefined,
    state: "interrupted",
    problem: undefined,
  }));
}
