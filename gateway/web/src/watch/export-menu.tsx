// The transcript as a file.

import { DropdownMenu } from "@kobalte/core/dropdown-menu";
import { For, type JSX } from "solid-js";
import { ExportFormat } from "@vidmesh/client";

import { mesh } from "../mesh";
import { Icon } from "../parts/icon";
import { tellTrouble } from "../parts/trouble";
import { fileName } from "./file-name";

const FORMATS = [
  { name: "SubRip", ending: "srt", format: ExportFormat.SRT },
  { name: "WebVTT", ending: "vtt", format: ExportFormat.VTT },
  { name: "Plain text", ending: "txt", format: ExportFormat.TXT },
  { name: "JSON with words", ending: "json", format: ExportFormat.JSON },
];

export function ExportMenu(props: { videoId: string; title: string; markdown: () => string }): JSX.Element {
  const called = (ending: string) => fileName(props.title, ending, props.videoId);
  const save = async (format: ExportFormat, ending: string) => {
    try {
      const file = await mesh.transcribe.exportTranscript({ videoId: props.videoId, format });
      download(called(ending), file.mediaType, file.content);
    } catch (thrown) {
      tellTrouble(thrown);
    }
  };
  return (
    <DropdownMenu>
      <DropdownMenu.Trigger class="button">
        <Icon name="download" /> Export
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content class="menu">
          <For each={FORMATS}>
            {({ name, ending, format }) => (
              <DropdownMenu.Item class="menu-item" onSelect={() => void save(format, ending)}>
                {`${name} (.${ending})`}
              </DropdownMenu.Item>
            )}
          </For>
          <DropdownMenu.Item
            class="menu-item"
            onSelect={() => download(called("md"), "text/markdown", props.markdown())}
          >
            Markdown with chapters (.md)
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu>
  );
}

function download(name: string, type: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  // Not before the browser has taken it.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
