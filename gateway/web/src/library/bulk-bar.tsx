// What can be done with the chosen videos.

import { For, Show, type JSX } from "solid-js";

import { plural } from "../format";
import { Icon } from "../parts/icon";
import { folders, tags } from "./shelf-data";

export function BulkBar(props: {
  count: number;
  /** How many could be chosen. */
  of: number;
  onAll: () => void;
  onNone: () => void;
  /** An empty id: out of all folders. */
  onMove: (folderId: string) => void;
  onTag: (name: string) => void;
  onDelete: () => void;
}): JSX.Element {
  const tag = (form: HTMLFormElement) => {
    const name = new FormData(form).get("tag");
    form.reset();
    if (typeof name === "string" && name.trim() !== "") props.onTag(name.trim());
  };
  return (
    <div class="bulk card" role="toolbar" aria-label="Chosen videos">
      <strong>{plural(props.count, "video")} selected</strong>
      <Show when={props.count < props.of}>
        <button class="button quiet" onClick={() => props.onAll()}>
          Select all
        </button>
      </Show>
      <button
        class="icon-button small"
        aria-label="Select none"
        title="Select none"
        onClick={() => props.onNone()}
      >
        <Icon name="close" />
      </button>
      <select
        class="select small"
        aria-label="Move to a folder"
        onChange={(event) => {
          const { value } = event.currentTarget;
          event.currentTarget.value = "?";
          props.onMove(value === "-" ? "" : value);
        }}
      >
        <option value="?">Move to…</option>
        <option value="-">No folder</option>
        <For each={folders()}>{(one) => <option value={one.id}>{one.name}</option>}</For>
      </select>
      <form
        class="bulk-tag"
        onSubmit={(event) => {
          event.preventDefault();
          tag(event.currentTarget);
        }}
      >
        <input
          class="input small"
          name="tag"
          list="tags"
          placeholder="Add a tag"
          aria-label="Add a tag"
          maxlength="100"
        />
        <button class="button quiet">Tag</button>
        <datalist id="tags">
          <For each={tags()}>{(one) => <option value={one.name} />}</For>
        </datalist>
      </form>
      <button class="button quiet bad" onClick={() => props.onDelete()}>
        <Icon name="trash" /> Delete
      </button>
    </div>
  );
}
