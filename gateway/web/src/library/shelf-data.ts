// Folders, tags and languages, which more than one page shows.

import { createSignal } from "solid-js";
import type { Folder, Tag } from "@vidmesh/client";

import { asProblem, mesh } from "../mesh";

const [folders, setFolders] = createSignal<Folder[]>([]);
const [tags, setTags] = createSignal<Tag[]>([]);
const [languages, setLanguages] = createSignal<string[]>([]);
/** Videos whose languages are looked at: the newest. */
const LOOKED_AT = 200;

export { folders, languages, tags };

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

/** Reads which languages the newest videos are in, as BCP 47 tags. */
export async function readLanguages(): Promise<void> {
  try {
    const { videos } = await mesh.query.listVideos({ pageSize: LOOKED_AT });
    setLanguages([...new Set(videos.map((video) => video.language).filter(Boolean))].sort());
  } catch (thrown) {
    asProblem(thrown);
  }
}
