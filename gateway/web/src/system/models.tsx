// The recognisers' models.

import { For, Show, type JSX } from "solid-js";

import { plural } from "../format";
import { mesh } from "../mesh";
import { Waiting } from "../parts/states";
import { polled } from "./polled";
import { Unread } from "./unread";

export function Models(): JSX.Element {
  const models = polled((signal) => mesh.transcribe.listModels({}, { signal }));
  return (
    <Show
      when={models.value()}
      fallback={
        <Show when={models.problem()} fallback={<Waiting lines={4} label="Listing the models" />}>
          {(error) => <Unread error={error()} />}
        </Show>
      }
    >
      {(found) => (
        <>
          <div class="card table">
            <table>
              <thead>
                <tr>
                  <th scope="col">Model</th>
                  <th scope="col">Engine</th>
                  <th scope="col">Revision</th>
                  <th scope="col">State</th>
                </tr>
              </thead>
              <tbody>
                <For each={found().models.filter((model) => model.current || model.available)}>
                  {(model) => (
                    <tr>
                      <th scope="row" class="break">
                        {model.name}
                      </th>
                      <td>{model.engine}</td>
                      <td>
                        <Show when={model.revision} fallback="–">
                          <code>{model.revision.slice(0, 12)}</code>
                        </Show>
                      </td>
                      <td>
                        <Show when={model.current} fallback={<span class="faint">at hand</span>}>
                          <span class="badge live">In use</span>
                        </Show>
                      </td>
                    </tr>
                  )}
                </For>
              </tbody>
            </table>
          </div>
          <Show when={found().models.filter((model) => !model.available && !model.current)}>
            {(others) => (
              <Show when={others().length > 0}>
                <details class="more">
                  <summary>{plural(others().length, "more model")} could be downloaded</summary>
                  <p class="faint">
                    {others()
                      .map(({ name }) => name)
                      .join(", ")}
                    . <code>VIDMESH_WHISPER_MODEL</code> names the one to use.
                  </p>
                </details>
              </Show>
            )}
          </Show>
        </>
      )}
    </Show>
  );
}
