// The right side of the page: finding, the transcript, and how it came about.

import { Show, type JSX } from "solid-js";
import { StageState, type Transcript as TranscriptState } from "@vidmesh/client";

import { plural } from "../format";
import { asProblem } from "../mesh";
import { Icon } from "../parts/icon";
import { Waiting } from "../parts/states";
import { toast } from "../parts/toast";
import { FindBox } from "./find-box";
import type { Finder } from "./finder";
import type { Line } from "./lines";
import type { Player } from "./player";
import type { TextOf } from "./text-of";
import { Transcript } from "./transcript";

export function TextPanel(props: {
  text: TextOf;
  player: Player;
  finder: Finder;
  onCopy: (seconds: number) => void;
}): JSX.Element {
  const lines = () => props.text.lines();
  const showFound = () => {
    const line = lines()[props.finder.finds()[props.finder.place()]?.line ?? -1];
    if (line !== undefined) props.player.seek(line.start);
  };
  const correct = async (line: Line, text: string): Promise<boolean> => {
    try {
      await props.text.correct(line.index, text);
      toast("The line is corrected.", {
        label: "Undo",
        run: () => void correct({ ...line, text }, line.text),
      });
      return true;
    } catch (thrown) {
      const error = asProblem(thrown);
      toast(`${error.message} ${error.advice}`);
      return false;
    }
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
          language={props.text.transcript()?.language ?? ""}
          onCopy={props.onCopy}
          onCorrect={correct}
        />
        <p class="transcript-foot faint small">{origin(lines().length, props.text.transcript())}</p>
      </Show>
    </section>
  );
}

function origin(count: number, transcript: TranscriptState | undefined): string {
  const made = [transcript?.engine, transcript?.model].filter(Boolean).join(" ");
  return [plural(count, "segment"), made, transcript?.notice].filter(Boolean).join(" · ");
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
