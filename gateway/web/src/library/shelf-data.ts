// Folders and tags, which more than one page shows.

import { createSignal } from "solid-js";
import type { Folder, Tag } from "@vidmesh/client";

import { asProblem, mesh } from "../mesh";

const [folders, setFolders] = createSignal<Folder[]>([]);
const [tags, setTags] = createSignal<Tag[]>([]);

export { folders, tags };

/** Reads folders and tags anew. Where that fails, those known stay, and the page's own reading tells why. */
export async function readShelves(): Promise<void> {
  try {
    const [allFolders, allTags] = await Promise.all([
      Array.fromAsync(mesh.folders()),
      Array.fromAsync(mesh.tags()),
    ]);
    setFolders(allFolders);
    setTags(allTags);
  } catch (thrown) {
    asProblem(thrown);
  }
}
