// The frame around every page: navigation, what is on its way, what is told, the keys.

import { Dialog } from "@kobalte/core/dialog";
import { A, Route, Router, useLocation, useNavigate, type RouteSectionProps } from "@solidjs/router";
import { createEffect, createSignal, For, lazy, on, onCleanup, onMount, Show, type JSX } from "solid-js";

import { bytes, span } from "./format";
import { connected, followJobs, jobs } from "./jobs/jobs";
import { isOver } from "./jobs/job-view";
import { signOut, token } from "./mesh";
import { Home } from "./pages/home";
import { SignIn } from "./pages/sign-in";
import { Icon, type IconName } from "./parts/icon";
import { shortcut } from "./parts/keys";
import { Empty } from "./parts/states";
import { Toasts } from "./parts/toast";
import { isDark, toggleTheme } from "./theme";
import { addFiles, retryUpload, stopUpload, uploads } from "./uploads";

const Watch = lazy(async () => ({ default: (await import("./pages/watch")).Watch }));
const Search = lazy(async () => ({ default: (await import("./pages/search")).Search }));
const Ask = lazy(async () => ({ default: (await import("./pages/ask")).Ask }));
const Library = lazy(async () => ({ default: (await import("./pages/library")).Library }));

const PLACES: { href: string; label: string; icon: IconName }[] = [
  { href: "/", label: "Add", icon: "add" },
  { href: "/library", label: "Library", icon: "library" },
  { href: "/search", label: "Search", icon: "search" },
  { href: "/ask", label: "Ask", icon: "ask" },
];

const TITLES: Record<string, string> = {
  "/": "Add videos",
  "/library": "Library",
  "/search": "Search",
  "/ask": "Ask",
};

export function App(): JSX.Element {
  return (
    <Show when={token()} fallback={<SignIn />} keyed>
      <Router root={Frame}>
        <Route path="/" component={Home} />
        <Route path="/library" component={Library} />
        <Route path="/search" component={Search} />
        <Route path="/ask/:conversation?" component={Ask} />
        <Route path="/watch/:video" component={Watch} />
        <Route path="*" component={Lost} />
      </Router>
    </Show>
  );
}

function Lost(): JSX.Element {
  return (
    <div class="page narrow">
      <Empty icon="search" title="There is no such page">
        <A class="button primary" href="/">
          Go to the start
        </A>
      </Empty>
    </div>
  );
}

function Frame(props: RouteSectionProps): JSX.Element {
  const location = useLocation();
  const navigate = useNavigate();
  const [keys, setKeys] = createSignal(false);
  const [over, setOver] = createSignal(false);
  const live = () => jobs.list.filter((job) => !isOver(job)).length;
  let main!: HTMLElement;

  const stop = new AbortController();
  void followJobs(stop.signal);
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
    dropping(setOver, (files) => {
      addFiles(files);
      navigate("/");
    });
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
                  <span class="count" aria-label={`${live()} at work`}>
                    {live()}
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
          <Show when={!connected()}>
            The connection is lost. It is taken up again by itself; nothing is missed.
          </Show>
        </p>
        {props.children}
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
      <Keys open={keys()} onOpen={setKeys} />
    </>
  );
}

/** Files may be dropped and pasted anywhere. */
function dropping(setOver: (over: boolean) => void, take: (files: FileList) => void): void {
  let depth = 0;
  const carries = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  const stop = new AbortController();
  const on = <K extends keyof DocumentEventMap>(name: K, listen: (event: DocumentEventMap[K]) => void) => {
    document.addEventListener(name, listen, { signal: stop.signal });
  };
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
    if ((event.clipboardData?.files.length ?? 0) > 0 && event.clipboardData !== null)
      take(event.clipboardData.files);
  });
  onCleanup(() => stop.abort());
}

function UploadTray(): JSX.Element {
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
              <p class="faint small">
                <Show when={one.state === "sending"}>
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

const KEYS: [string, string][] = [
  ["Space or k", "Play, pause"],
  ["j, l", "10 seconds back, forward"],
  ["←, →", "5 seconds back, forward"],
  ["0 … 9", "To a tenth of the video"],
  ["<, >", "Slower, faster"],
  ["m", "Mute"],
  ["c", "Copy a link to this moment"],
  ["/", "Search, or find in the transcript"],
  ["?", "These keys"],
];

function Keys(props: { open: boolean; onOpen: (open: boolean) => void }): JSX.Element {
  return (
    <Dialog open={props.open} onOpenChange={props.onOpen}>
      <Dialog.Portal>
        <Dialog.Overlay class="overlay" />
        <Dialog.Content class="dialog">
          <Dialog.Title>Keys</Dialog.Title>
          <dl class="keys">
            <For each={KEYS}>
              {([key, what]) => (
                <div>
                  <dt>
                    <kbd>{key}</kbd>
                  </dt>
                  <dd>{what}</dd>
                </div>
              )}
            </For>
          </dl>
          <div class="dialog-actions">
            <Dialog.CloseButton class="button">Close</Dialog.CloseButton>
          </div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog>
  );
}
