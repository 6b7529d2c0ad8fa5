// Files may be dropped and pasted anywhere.

import { createSignal, onCleanup, type Accessor } from "solid-js";

/** Takes what is dropped or pasted while the component that asks is there; says whether files hang over the page. */
export function dropping(take: (files: FileList) => void): Accessor<boolean> {
  const [over, setOver] = createSignal(false);
  const stop = new AbortController();
  onCleanup(() => stop.abort());
  const on = <K extends keyof DocumentEventMap>(name: K, listen: (event: DocumentEventMap[K]) => void) => {
    document.addEventListener(name, listen, { signal: stop.signal });
  };
  const carries = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  // Entering a child comes before leaving its parent.
  let depth = 0;
  on("dragenter", (event) => {
    if (!carries(event)) return;
    depth += 1;
    setOver(true);
  });
  on("dragleave", (event) => {
    if (!carries(event)) return;
    depth -= 1;
    if (depth <= 0) setOver(false);
  });
  on("dragover", (event) => {
    if (carries(event)) event.preventDefault();
  });
  on("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    depth = 0;
    setOver(false);
    if (event.dataTransfer !== null) take(event.dataTransfer.files);
  });
  on("paste", (event) => {
    const files = event.clipboardData?.files;
    if (files !== undefined && files.length > 0) take(files);
  });
  return over;
}
