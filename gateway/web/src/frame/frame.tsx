// The frame around every page: navigation, what is on its way, what is told, the keys.

import { A, useLocation, useNavigate, type RouteSectionProps } from "@solidjs/router";
import { createEffect, createSignal, For, on, onCleanup, onMount, Show, Suspense, type JSX } from "solid-js";

import { connected, followJobs, jobs } from "../jobs/jobs";
import { isOver } from "../jobs/job-view";
import { signOut } from "../mesh";
import { Icon, type IconName } from "../parts/icon";
import { shortcut } from "../parts/keys";
import { Waiting } from "../parts/states";
import { Toasts } from "../parts/toast";
import { isDark, toggleTheme } from "../theme";
import { addFiles } from "../uploads";
import { dropping } from "./dropping";
import { KeysDialog } from "./keys-dialog";
import { UploadTray } from "./upload-tray";

const PLACES: { href: string; label: string; icon: IconName }[] = [
  { href: "/", label: "Add", icon: "add" },
  { href: "/library", label: "Library", icon: "library" },
  { href: "/search", label: "Search", icon: "search" },
  { href: "/ask", label: "Ask", icon: "ask" },
  { href: "/system", label: "System", icon: "system" },
];

const TITLES: Record<string, string> = {
  "/": "Add videos",
  "/library": "Library",
  "/search": "Search",
  "/ask": "Ask",
  "/system": "System",
};

export function Frame(props: RouteSectionProps): JSX.Element {
  const location = useLocation();
  const navigate = useNavigate();
  const [keys, setKeys] = createSignal(false);
  const over = dropping((files) => {
    addFiles(files);
    navigate("/");
  });
  // A stream may stand still for long before it is known to be broken.
  const [online, setOnline] = createSignal(navigator.onLine);
  const live = () => jobs.list.filter((job) => !isOver(job)).length;
  let main!: HTMLElement;

  const stop = new AbortController();
  void followJobs(stop.signal);
  for (const name of ["online", "offline"]) {
    addEventListener(name, () => setOnline(navigator.onLine), { signal: stop.signal });
  }
  onCleanup(() => stop.abort());

  createEffect(
    on(
      () => location.pathname,
      (path, before) => {
        const title = TITLES[`/${path.split("/")[1] ?? ""}`];
        if (title !== undefined) document.title = `${title} – vidmesh`;
        if (before !== undefined) scrollTo(0, 0);
      },
    ),
  );
  onMount(() => {
    shortcut(["?"], () => setKeys(true));
    shortcut(["/"], () => navigate("/search"));
  });

  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.focus();
        }}
      >
        Skip to the content
      </a>
      <header class="frame">
        <A href="/" class="brand" aria-label="vidmesh, to the start">
          <img src="/icon.svg" alt="" width="28" height="28" />
          <span>vidmesh</span>
        </A>
        <nav class="places" aria-label="Places">
          <For each={PLACES}>
            {(place) => (
              <A href={place.href} end={place.href === "/"} class="place" activeClass="current">
                <Icon name={place.icon} />
                <span>{place.label}</span>
                <Show when={place.href === "/" && live() > 0}>
                  <span class="count">
                    {live()}
                    <span class="hidden"> at work</span>
                  </span>
                </Show>
              </A>
            )}
          </For>
        </nav>
        <div class="frame-tools">
          <button
            class="icon-button"
            aria-label={isDark() ? "Light" : "Dark"}
            title={isDark() ? "Light" : "Dark"}
            onClick={toggleTheme}
          >
            <Icon name={isDark() ? "sun" : "moon"} />
          </button>
          <button
            class="icon-button wide-only"
            aria-label="Keys"
            title="Keys (?)"
            onClick={() => setKeys(true)}
          >
            <Icon name="keys" />
          </button>
          <button class="icon-button" aria-label="Sign out" title="Sign out" onClick={signOut}>
            <Icon name="exit" />
          </button>
        </div>
      </header>
      <main id="main" ref={main} tabindex="-1">
        <p class="offline" role="status">
          <Show when={!connected() || !online()}>
            The connection is lost. It is taken up again by itself; nothing is missed.
          </Show>
        </p>
        <Suspense
          fallback={
            <div class="page narrow">
              <Waiting lines={6} />
            </div>
          }
        >
          {props.children}
        </Suspense>
      </main>
      <UploadTray />
      <Toasts />
      <Show when={over()}>
        <div class="drop" aria-hidden="true">
          <p>
            <Icon name="add" /> Drop to add
          </p>
        </div>
      </Show>
      <KeysDialog open={keys()} onOpen={setKeys} />
    </>
  );
}
