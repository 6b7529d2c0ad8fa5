// Where a page without a token begins.

import { createSignal, type JSX } from "solid-js";

import { signIn } from "../mesh";

export function SignIn(): JSX.Element {
  const [text, setText] = createSignal("");
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
            class="input"
            type="password"
            autocomplete="off"
            spellcheck={false}
            value={text()}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <p class="faint small">
          <code>vidmesh token</code> prints one. It stays in this tab and is gone when the tab is closed.
        </p>
        <button class="button primary" disabled={text().trim() === ""}>
          Open
        </button>
      </form>
    </main>
  );
}
