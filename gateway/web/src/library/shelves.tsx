// Folders and tags, to choose by.

import { createMemo, For, Show, type JSX } from "solid-js";

import { asProblem, mesh } from "../mesh";
import { Icon } from "../parts/icon";
import { toast } from "../parts/toast";
import { FolderDialog } from "./folder-dialog";
import { folders, readShelves, tags } from "./shelf-data";

export interface Shelf {
  folder?: string | undefined;
  tag?: string | undefined;
}

export function Shelves(props: { chosen: Shelf; onChoose: (shelf: Shelf) => void }): JSX.Element {
  const current = (one: Shelf) =>
    one.folder === props.chosen.folder && one.tag === props.chosen.tag ? "true" : undefined;
  const folder = createMemo(() => folders().find((one) => one.id === props.chosen.folder));
  const remove = async (folderId: string) => {
    try {
      await mesh.query.deleteFolder({ folderId });
      await readShelves();
      props.onChoose({});
      toast("The folder is gone. Its videos are where it was.");
    } catch (thrown) {
      toast(asProblem(thrown).message);
    }
  };
  return (
    <nav class="shelves" aria-label="Folders and tags">
      <button class="shelf" aria-current={current({})} onClick={() => props.onChoose({})}>
        <Icon name="library" /> All videos
      </button>
      <For each={folders()}>
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
      <FolderDialog
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
            <FolderDialog
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
            <button class="shelf faint" onClick={() => void remove(one().id)}>
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
