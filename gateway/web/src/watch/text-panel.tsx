// The right side of the page: finding, the transcript, and how it came about.

import { Show, type JSX } from "solid-js";
import { StageState, type Transcript as TranscriptState } from "@vidmesh/client";

import { plural } from "../format";
import { Icon } from "../parts/icon";
import { Waiting } from "../parts/states";
import { toast } from "../parts/toast";
import { tellTrouble } from "../parts/trouble";
import { FindBox } from "./find-box";
import type { Finder } from "./finder";
import type { Following } from "./following";
import type { Line } from "./lines";
import type { Player } from "./player";
import type { TextOf } from "./text-of";
import { Transcript } from "./transcript";

export function TextPanel(props: {
  text: TextOf;
  player: Player;
  finder: Finder;
  following: Following;
  onCopy: (seconds: number) => void;
}): JSX.Element {
  const lines = () => props.text.lines();
  const showFound = () => {
    const line = lines()[props.finder.finds()[props.finder.place()]?.line ?? -1];
    if (line !== undefined) props.player.seek(line.start);
  };
  const keep = async (line: Line, text: string, tell: () => void): Promise<boolean> => {
    try {
      await props.text.correct(line.index, text);
      tell();
      return true;
    } catch (thrown) {
      tellTrouble(thrown);
      return false;
    }
  };
  const correct = (line: Line, text: string) => {
    const undo = () => void keep(line, line.text, () => toast("The correction is undone."));
    return keep(line, text, () => toast("The line is corrected.", { label: "Undo", run: undo }));
  };
  return (
    <section class="watch-right card" aria-label="Text">
      <FindBox finder={props.finder} onFound={showFound} />
      <Show when={lines().length > 0} fallback={<NoText transcript={props.text.transcript()} />}>
        <Transcript
          lines={lines()}
          player={props.player}
          finds={props.finder.finds()}
          found={props.finder.place()}
          following={props.following}
          language={props.text.transcript()?.language ?? ""}
          onCopy={props.onCopy}
          onCorrect={correct}
        />
        <Origin count={lines().length} transcript={props.text.transcript()} />
      </Show>
    </section>
  );
}

/** How the text came about, and what the reader should know of that. */
function Origin(props: { count: number; transcript: TranscriptState | undefined }): JSX.Element {
  const made = () => [props.transcript?.engine, props.transcript?.model].filter(Boolean).join(" ");
  const brief = () => [plural(props.count, "segment"), made()].filter(Boolean).join(" · ");
  return (
    <Show
      when={props.transcript?.notice}
      fallback={<p class="transcript-foot faint small ellipsis">{brief()}</p>}
    >
      {(notice) => (
        <details class="transcript-foot faint small">
          <summary>{brief()}</summary>
          <p>{notice()}</p>
        </details>
      )}
    </Show>
  );
}

function NoText(props: { transcript: TranscriptState | undefined }): JSX.Element {
  return (
    <div class="panel">
      <Show
        when={props.transcript?.failure}
        fallback={
          <Show
            when={props.transcript?.state === StageState.SUCCEEDED}
            fallback={<Waiting lines={9} label="The transcript is on its way" />}
          >
            <p class="faint">Nothing is said in this video.</p>
          </Show>
        }
      >
        {(failure) => (
          <div class="note bad">
            <Icon name="warn" />
            <p>
              <strong>{failure().message}</strong> {failure().advice}
            </p>
          </div>
        )}
      </Show>
    </div>
  );
}
