// Which of the videos are meant: a folder, a tag, a language.

import { For, onMount, Show, type JSX } from "solid-js";

import { folders, languages, readLanguages, readShelves, tags } from "./shelf-data";

export interface Chosen {
  folder?: string | undefined;
  tag?: string | undefined;
  language?: string | undefined;
}

/** The filter as the API takes it. */
export function scopeOf(chosen: Chosen): { folderId: string; tags: string[]; language: string } {
  return {
    folderId: chosen.folder ?? "",
    tags: chosen.tag ? [chosen.tag] : [],
    language: chosen.language ?? "",
  };
}

const names = new Intl.DisplayNames("en", { type: "language", fallback: "code" });

export function ScopeFilter(props: { chosen: Chosen; onChoose: (chosen: Chosen) => void }): JSX.Element {
  onMount(() => {
    void readShelves();
    void readLanguages();
  });
  const choose = (key: keyof Chosen) => (event: Event & { currentTarget: HTMLSelectElement }) =>
    props.onChoose({ ...props.chosen, [key]: event.currentTarget.value || undefined });
  return (
    <>
      <Show when={folders().length > 0 || props.chosen.folder}>
        <select class="select small" aria-label="Folder" onChange={choose("folder")}>
          <option value="">All folders</option>
          <For each={folders()}>
            {(one) => (
              <option value={one.id} selected={one.id === props.chosen.folder}>
                {one.name}
              </option>
            )}
          </For>
        </select>
      </Show>
      <Show when={tags().length > 0 || props.chosen.tag}>
        <select class="select small" aria-label="Tag" onChange={choose("tag")}>
          <option value="">All tags</option>
          <For each={tags()}>
            {(one) => (
              <option value={one.name} selected={one.name === props.chosen.tag}>
                {one.name}
              </option>
            )}
          </For>
        </select>
      </Show>
      <Show when={languages().length > 1 || props.chosen.language}>
        <select class="select small" aria-label="Language" onChange={choose("language")}>
          <option value="">All languages</option>
          <For each={languages()}>
            {(one) => (
              <option value={one} selected={one === props.chosen.language}>
                {names.of(one)}
              </option>
            )}
          </For>
        </select>
      </Show>
    </>
  );
}
