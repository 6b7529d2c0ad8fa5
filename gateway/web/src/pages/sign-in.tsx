// Where a page without a token begins.

import { createSignal, onMount, Show, type JSX } from "solid-js";

import { refusal, signIn } from "../mesh";
import { Icon } from "../parts/icon";

export function SignIn(): JSX.Element {
  const [text, setText] = createSignal("");
  let field!: HTMLInputElement;
  onMount(() => field.focus());
  return (
    <main class="sign-in" id="main">
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault();
          if (text().trim() !== "") signIn(text());
        }}
      >
        <img src="/icon.svg" alt="" width="40" height="40" />
        <h1>vidmesh</h1>
        <p class="faint">Videos in; transcripts, summaries, chapters, search and cited answers out.</p>
        <label class="field">
          Token
          <input
            ref={field}
            class="input"
            type="password"
            autocomplete="off"
            spellcheck={false}
            value={text()}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <Show when={refusal()}>
          {(why) => (
            <div class="note bad" role="alert">
              <Icon name="warn" />
              <p>{why()}</p>
            </div>
          )}
        </Show>
        <p class="faint small">
          Whoever runs this mesh gives it to you: <code>vidmesh token</code> prints one, and{" "}
          <code>vidmesh up</code> a link that brings it along. It is gone when the last tab is closed.
        </p>
        <button class="button primary" disabled={text().trim() === ""}>
          Open
        </button>
      </form>
    </main>
  );
}
