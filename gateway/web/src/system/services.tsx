// Whether each service answers, and how fast.

import { For, Show, type JSX } from "solid-js";
import { SERVICES, type Health, type Service } from "@vidmesh/client";

import { mesh } from "../mesh";
import { polled } from "./polled";

const WORK: Record<Service, string> = {
  ingest: "Fetches videos, keeps jobs",
  transcribe: "Recognises what is said",
  summarize: "Writes summaries and chapters",
  query: "Library, search and answers",
};

interface Answer extends Health {
  /** Milliseconds until it answered. */
  taken: number;
}

/** Its version and how fast it answers; a space that keeps the line where neither is known. */
function told({ serving, version, taken }: Answer): string {
  const parts = [
    version && `Version ${version}`,
    serving && `answers in ${Math.max(1, Math.round(taken))}\u00a0ms`,
  ];
  return parts.filter(Boolean).join(", ") || "\u00a0";
}

export function Services(): JSX.Element {
  const health = polled(async (signal) => {
    const asked = SERVICES.map(async (service): Promise<[Service, Answer]> => {
      const began = performance.now();
      const answer = await mesh.health(service, { signal });
      return [service, { ...answer, taken: performance.now() - began }];
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
              <Show when={health.value()?.get(service)} fallback={"\u00a0"}>
                {(one) => told(one())}
              </Show>
            </p>
          </li>
        )}
      </For>
    </ul>
  );
}
