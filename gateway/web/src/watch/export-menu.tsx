// The transcript as a file.

import { DropdownMenu } from "@kobalte/core/dropdown-menu";
import { For, type JSX } from "solid-js";
import { ExportFormat } from "@vidmesh/client";

import { asProblem, mesh } from "../mesh";
import { Icon } from "../parts/icon";
import { toast } from "../parts/toast";

const FORMATS = [
  { name: "SubRip (.srt)", format: ExportFormat.SRT },
  { name: "WebVTT (.vtt)", format: ExportFormat.VTT },
  { name: "Plain text (.txt)", format: ExportFormat.TXT },
  { name: "JSON with words (.json)", format: ExportFormat.JSON },
];

export function ExportMenu(props: { videoId: string; title: string; markdown: () => string }): JSX.Element {
  const save = async (format: ExportFormat) => {
    try {
      const file = await mesh.transcribe.exportTranscript({ videoId: props.videoId, format });
      download(file.filename, file.mediaType, file.content);
    } catch (thrown) {
      const error = asProblem(thrown);
      toast(`${error.message} ${error.advice}`);
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
            {(one) => (
              <DropdownMenu.Item class="menu-item" onSelect={() => void save(one.format)}>
                {one.name}
              </DropdownMenu.Item>
            )}
          </For>
          <DropdownMenu.Item
            class="menu-item"
            onSelect={() => download(`${props.title}.md`, "text/markdown", props.markdown())}
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
