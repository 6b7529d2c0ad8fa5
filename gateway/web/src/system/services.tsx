// Whether each service answers, and how fast.

import { For, Show, type JSX } from "solid-js";
import { SERVICES, type Service } from "@vidmesh/client";

import { mesh } from "../mesh";
import { polled } from "./polled";

const WORK: Record<Service, string> = {
  ingest: "Fetches and decodes videos, keeps jobs",
  transcribe: "Recognises what is said",
  summarize: "Writes summaries and chapters",
  query: "Library, search and answers",
};

interface Health {
  serving: boolean;
  /** Milliseconds until it answered. */
  taken: number;
}

export function Services(): JSX.Element {
  const health = polled(async (signal) => {
    const asked = SERVICES.map(async (service): Promise<[Service, Health]> => {
      const began = performance.now();
      const serving = await mesh.isServing(service, { signal });
      return [service, { serving, taken: performance.now() - began }];
    });
    return new Map(await Promise.all(asked));
  });
  return (
    <ul class="services" aria-label="Services" aria-busy={health.value() === undefined}>
      <For each={SERVICES}>
        {(service) => (
          <li class="card service">
            <p class="service-name">
              <strong>{service}</strong>
              <Show when={health.value()?.get(service)} fallback={<span class="badge">…</span>}>
                {(one) => (
                  <span class={`badge ${one().serving ? "live" : "bad"}`}>
                    {one().serving ? "Serving" : "Not serving"}
                  </span>
                )}
              </Show>
            </p>
            <p class="faint small">{WORK[service]}</p>
            <p class="faint small">
              <Show when={health.value()?.get(service)?.serving} fallback={"\u00a0"}>
                answers in {Math.max(1, Math.round(health.value()?.get(service)?.taken ?? 0))} ms
              </Show>
            </p>
          </li>
        )}
      </For>
    </ul>
  );
}
