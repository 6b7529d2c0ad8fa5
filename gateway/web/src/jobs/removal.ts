// Taking away what never became a video: the entry of a job that got nothing.

import { createSignal } from "solid-js";
import { Stage, StageState } from "@vidmesh/client";

import { plural } from "../format";
import { asProblem, mesh } from "../mesh";
import { regret } from "../parts/regret";
import { toast } from "../parts/toast";
import { tellTrouble } from "../parts/trouble";

interface Removable {
  id: string;
  videoId: string;
  title: string;
}

const [leaving, setLeaving] = createSignal<ReadonlySet<string>>(new Set());

/** Whether a job is not to be shown any more: it is being removed. */
export const isLeaving = (id: string): boolean => leaving().has(id);

/** Whether anything was heard of a job's video, so that there is something to open, and to lose. */
export function isReadable(job: { stages: readonly { stage: Stage; state: StageState }[] }): boolean {
  return job.stages.some((one) => one.stage === Stage.TRANSCRIBE && one.state !== StageState.WAITING);
}

/** Removes jobs with their videos, unless that is taken back. A video with text of an earlier job stays. */
export function remove(jobs: readonly Removable[]): void {
  setLeaving((all) => new Set([...all, ...jobs.map(({ id }) => id)]));
  const [first] = jobs;
  const what =
    jobs.length === 1 && first !== undefined ? `“${first.title}”` : plural(jobs.length, "entry", "entries");
  regret(
    `${what} will be removed.`,
    () => void removeAll(jobs),
    () => jobs.forEach(stay),
  );
}

async function removeAll(jobs: readonly Removable[]): Promise<void> {
  for (const job of jobs) {
    try {
      if (!(await isSearchable(job.videoId))) {
        await mesh.ingest.deleteVideo({ videoId: job.videoId });
        continue;
      }
      toast(`“${job.title}” has text from before: it stays in the library.`);
    } catch (thrown) {
      tellTrouble(thrown);
    }
    stay(job);
  }
}

const stay = ({ id }: Removable) => setLeaving((all) => new Set([...all].filter((one) => one !== id)));

async function isSearchable(videoId: string): Promise<boolean> {
  try {
    return (await mesh.query.getVideo({ videoId })).video?.searchable ?? false;
  } catch (thrown) {
    const error = asProblem(thrown);
    if (error.reason === "NOT_FOUND") return false;
    throw error;
  }
}
