// Asks for a name.

import { Dialog } from "@kobalte/core/dialog";
import { createSignal, Show, type JSX } from "solid-js";

import { asProblem } from "../mesh";

export function NameDialog(props: {
  title: string;
  name: string;
  /** What opens it. */
  trigger: JSX.Element;
  triggerClass: string;
  /** What the trigger is called, where its own words do not say it. */
  triggerLabel?: string;
  save: (name: string) => Promise<void>;
}): JSX.Element {
  const [open, setOpen] = createSignal(false);
  const [problem, setProblem] = createSignal("");
  const save = async (form: HTMLFormElement) => {
    const name = new FormData(form).get("name");
    if (typeof name !== "string" || name.trim() === "") return;
    try {
      await props.save(name.trim());
      setOpen(false);
    } catch (thrown) {
      const error = asProblem(thrown);
      setProblem(`${error.message} ${error.advice}`);
    }
  };
  return (
    <Dialog
      open={open()}
      onOpenChange={(now) => {
        setProblem("");
        setOpen(now);
      }}
    >
      <Dialog.Trigger class={props.triggerClass} aria-label={props.triggerLabel} title={props.triggerLabel}>
        {props.trigger}
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Overlay class="overlay" />
        <Dialog.Content class="dialog">
          <Dialog.Title>{props.title}</Dialog.Title>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              void save(event.currentTarget);
            }}
          >
            <label class="field">
              Name
              <input
                class="input"
                name="name"
                value={props.name}
                maxlength="200"
                required
                autocomplete="off"
              />
            </label>
            <Show when={problem()}>
              {(text) => (
                <p class="note bad" role="alert">
                  {text()}
                </p>
              )}
            </Show>
            <div class="dialog-actions">
              <Dialog.CloseButton class="button" aria-label="Cancel">
                Cancel
              </Dialog.CloseButton>
              <button class="button primary">Save</button>
            </div>
          </form>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog>
  );
}
