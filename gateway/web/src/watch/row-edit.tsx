// A line while somebody corrects it.

import { createSignal, onMount, type JSX } from "solid-js";

import { clock } from "../format";

export function RowEdit(props: {
  /** Seconds. */
  start: number;
  /** What is written by now: it outlives the row, which goes when it is scrolled away. */
  draft: string;
  onDraft: (text: string) => void;
  /** Resolves when the text is kept or was refused. */
  onSave: () => Promise<void>;
  onCancel: () => void;
}): JSX.Element {
  const [busy, setBusy] = createSignal(false);
  let box!: HTMLTextAreaElement;
  onMount(() => box.focus());
  const save = async () => {
    if (busy() || props.draft.trim() === "") return;
    setBusy(true);
    await props.onSave();
    setBusy(false);
  };
  return (
    <form
      class="row-edit"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <textarea
        ref={box}
        rows="3"
        dir="auto"
        maxlength="5000"
        aria-label={`What was said at ${clock(props.start)}`}
        value={props.draft}
        onInput={(event) => props.onDraft(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") props.onCancel();
          if (event.key !== "Enter") return;
          event.preventDefault();
          void save();
        }}
      />
      <div class="row-edit-actions">
        <button class="button quiet primary" disabled={busy() || props.draft.trim() === ""}>
          Save
        </button>
        <button type="button" class="button quiet" onClick={() => props.onCancel()}>
          Cancel
        </button>
      </div>
    </form>
  );
}
