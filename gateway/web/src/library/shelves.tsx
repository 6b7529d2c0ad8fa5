// Folders and tags, to choose by.

import { createMemo, createSignal, For, Show, type JSX } from "solid-js";
import type { Folder } from "@vidmesh/client";

import { asProblem, mesh } from "../mesh";
import { Icon } from "../parts/icon";
import { NameDialog } from "../parts/name-dialog";
import { regret } from "../parts/regret";
import { toast } from "../parts/toast";
import { folders, readShelves, tags } from "./shelf-data";

export interface Shelf {
  folder?: string | undefined;
  tag?: string | undefined;
}

export function Shelves(props: { chosen: Shelf; onChoose: (shelf: Shelf) => void }): JSX.Element {
  const current = (one: Shelf) =>
    one.folder === props.chosen.folder && one.tag === props.chosen.tag ? "true" : undefined;
  const folder = createMemo(() => folders().find((one) => one.id === props.chosen.folder));
  /** Folders that are about to be removed. */
  const [doomed, setDoomed] = createSignal<string[]>([]);
  const spare = (folderId: string) => setDoomed((all) => all.filter((id) => id !== folderId));
  const remove = ({ id: folderId, name }: Folder) => {
    setDoomed((all) => [...all, folderId]);
    props.onChoose({});
    const act = async () => {
      try {
        await mesh.query.deleteFolder({ folderId });
        await readShelves();
      } catch (thrown) {
        toast(asProblem(thrown).message);
      }
      spare(folderId);
    };
    regret(
      `The folder “${name}” is removed; its videos stay in the library.`,
      () => void act(),
      () => spare(folderId),
    );
  };
  return (
    <nav class="shelves" aria-label="Folders and tags">
      <button class="shelf" aria-current={current({})} onClick={() => props.onChoose({})}>
        <Icon name="library" /> All videos
      </button>
      <For each={folders().filter((one) => !doomed().includes(one.id))}>
        {(one) => (
          <button
            class="shelf"
            aria-current={current({ folder: one.id })}
            onClick={() => props.onChoose({ folder: one.id })}
          >
            <Icon name="folder" />
            <span class="ellipsis" dir="auto">
              {one.name}
            </span>
            <span class="count">{one.videoCount}</span>
          </button>
        )}
      </For>
      <NameDialog
        title="New folder"
        name=""
        triggerClass="shelf faint"
        trigger={
          <>
            <Icon name="add" /> New folder
          </>
        }
        save={async (name) => {
          await mesh.query.createFolder({ name });
          await readShelves();
        }}
      />
      <Show when={folder()}>
        {(one) => (
          <>
            <NameDialog
              title="Rename the folder"
              name={one().name}
              triggerClass="shelf faint"
              trigger={
                <>
                  <Icon name="edit" /> Rename folder
                </>
              }
              save={async (name) => {
                await mesh.query.updateFolder({ folderId: one().id, name });
                await readShelves();
              }}
            />
            <button class="shelf faint" onClick={() => remove(one())}>
              <Icon name="trash" /> Remove folder
            </button>
          </>
        )}
      </Show>
      <For each={tags()}>
        {(one) => (
          <button
            class="shelf"
            aria-current={current({ tag: one.name })}
            onClick={() => props.onChoose({ tag: one.name })}
          >
            <Icon name="tag" />
            <span class="ellipsis" dir="auto">
              {one.name}
            </span>
            <span class="count">{one.videoCount}</span>
          </button>
        )}
      </For>
    </nav>
  );
}
