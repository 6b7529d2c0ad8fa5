// Questions about the one video.

import { For, type JSX } from "solid-js";

import { Composer } from "../ask/composer";
import { createDialogue } from "../ask/dialogue";
import { ExchangeView } from "../ask/exchange";

export function AskPanel(props: { videoId: string }): JSX.Element {
  // The page is made anew for another video.
  const dialogue = createDialogue(() => ({ videoIds: [props.videoId] }));
  return (
    <div class="panel">
      <div class="exchanges" aria-live="polite" aria-busy={dialogue.busy()}>
        <For each={dialogue.exchanges}>{(one) => <ExchangeView exchange={one} single />}</For>
      </div>
      <Composer
        dialogue={dialogue}
        placeholder="Ask about this video"
        onAsk={(question) => void dialogue.ask(question)}
      />
    </div>
  );
}
