// In place of the player and the text of a video of which nothing was had: why, another try, and taking it away.

import { useNavigate } from "@solidjs/router";
import { createSignal, type JSX } from "solid-js";
import { StageState, type Transcript } from "@vidmesh/client";

import { enlisted } from "../jobs/jobs";
import { remove } from "../jobs/removal";
import { mesh } from "../mesh";
import { Icon } from "../parts/icon";
import { tellTrouble } from "../parts/trouble";

const STOPPED = {
  message: "The job was stopped before anything was heard.",
  advice: "Retry begins it again.",
};
const ENDED = { message: "The job ended before anything was heard.", advice: "Retry begins it again." };

export function NothingHad(props: { transcript: Transcript; title: string }): JSX.Element {
  const navigate = useNavigate();
  const [busy, setBusy] = createSignal(false);
  const why = () =>
    props.transcript.failure ?? (props.transcript.state === StageState.CANCELLED ? STOPPED : ENDED);
  const retry = async () => {
    setBusy(true);
    try {
      // The page shows what comes of it as soon as the job is at work.
      await enlisted(mesh.ingest.retryJob({ jobId: props.transcript.jobId }));
    } catch (thrown) {
      tellTrouble(thrown);
    }
    setBusy(false);
  };
  const takeAway = () => {
    remove([{ id: props.transcript.jobId, videoId: props.transcript.videoId, title: props.title }]);
    navigate("/library");
  };
  return (
    <div class="state" role="alert">
      <span class="state-icon bad">
        <Icon name="warn" />
      </span>
      <h2>{why().message}</h2>
      <p class="state-text">{why().advice}</p>
      <div class="state-actions">
        <button class="button primary" disabled={busy()} onClick={() => void retry()}>
          <Icon name="retry" /> Retry
        </button>
        <button class="button" disabled={busy()} onClick={takeAway}>
          <Icon name="trash" /> Remove
        </button>
      </div>
    </div>
  );
}
