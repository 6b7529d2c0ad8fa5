// Uploads in a corner of every page.

import { For, Show, type JSX } from "solid-js";

import { bytes, span } from "../format";
import { Icon } from "../parts/icon";
import { retryUpload, stopUpload, uploads } from "../uploads";

export function UploadTray(): JSX.Element {
  return (
    <Show when={uploads.length > 0}>
      <section class="tray card" aria-label="Uploads">
        <For each={uploads}>
          {(one) => (
            <div class="upload">
              <div class="upload-head">
                <span class="ellipsis" dir="auto">
                  {one.name}
                </span>
                <Show when={one.state === "failed"}>
                  <button
                    class="icon-button small"
                    aria-label={`Send ${one.name} again`}
                    onClick={() => retryUpload(one.key)}
                  >
                    <Icon name="retry" />
                  </button>
                </Show>
                <button
                  class="icon-button small"
                  aria-label={`Give up ${one.name}`}
                  onClick={() => stopUpload(one.key)}
                >
                  <Icon name="close" />
                </button>
              </div>
              <span
                class="bar"
                role="progressbar"
                aria-label={`Upload of ${one.name}`}
                aria-valuenow={Math.floor((one.sent / Math.max(1, one.size)) * 100)}
              >
                <span class="bar-fill" style={{ transform: `scaleX(${one.sent / Math.max(1, one.size)})` }} />
              </span>
              <p class="small" classList={{ faint: one.state !== "failed", bad: one.state === "failed" }}>
                <Show when={one.state === "sending" && one.sent >= one.size}>Being checked…</Show>
                <Show when={one.state === "sending" && one.sent < one.size}>
                  {bytes(one.sent)} of {bytes(one.size)}
                  <Show when={one.rate > 0}> · {bytes(one.rate)}/s</Show>
                  <Show when={one.remaining !== undefined && one.remaining >= 1}>
                    {" "}
                    · {span(one.remaining ?? 0)} left
                  </Show>
                </Show>
                <Show when={one.state === "waiting"}>
                  The connection is lost; the upload goes on when it is back.
                </Show>
                <Show when={one.state === "interrupted"}>
                  Cut off at {bytes(one.sent)} of {bytes(one.size)}. Add the same file again and it goes on
                  from there.
                </Show>
                <Show when={one.state === "failed"}>
                  {one.problem?.message} {one.problem?.advice}
                </Show>
              </p>
            </div>
          )}
        </For>
      </section>
    </Show>
  );
}
