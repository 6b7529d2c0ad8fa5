// Where a question is written.

import { createSignal, Show, type JSX } from "solid-js";

import { Icon } from "../parts/icon";
import type { Dialogue } from "./dialogue";

export function Composer(props: {
  dialogue: Dialogue;
  placeholder: string;
  onAsk: (question: string) => void;
  /** Is given what moves the focus here. */
  ref?: (focus: () => void) => void;
}): JSX.Element {
  const [text, setText] = createSignal("");
  let box!: HTMLTextAreaElement;
  // At once: a page's own onMount runs before that of what is in it.
  props.ref?.(() => box.focus());
  const ask = () => {
    const question = text().trim();
    if (question === "" || props.dialogue.busy()) return;
    setText("");
    props.onAsk(question);
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        ask();
      }}
    >
      <textarea
        ref={box}
        rows="2"
        maxlength="2000"
        aria-label="Your question"
        placeholder={props.placeholder}
        value={text()}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey) return;
          event.preventDefault();
          ask();
        }}
      />
      <Show
        when={props.dialogue.busy()}
        fallback={
          <button class="button primary" disabled={text().trim() === ""}>
            Ask
          </button>
        }
      >
        <button type="button" class="button" onClick={() => props.dialogue.stop()}>
          <Icon name="stop" /> Stop
        </button>
      </Show>
    </form>
  );
}
