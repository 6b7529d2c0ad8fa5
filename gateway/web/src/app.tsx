// The pages, and the way in to them.

import { A, Route, Router } from "@solidjs/router";
import { lazy, Show, type JSX } from "solid-js";

import { Frame } from "./frame/frame";
import { token } from "./mesh";
import { Home } from "./pages/home";
import { SignIn } from "./pages/sign-in";
import { Empty } from "./parts/states";

const Watch = lazy(async () => ({ default: (await import("./pages/watch")).Watch }));
const Search = lazy(async () => ({ default: (await import("./pages/search")).Search }));
const Ask = lazy(async () => ({ default: (await import("./pages/ask")).Ask }));
const Library = lazy(async () => ({ default: (await import("./pages/library")).Library }));
const System = lazy(async () => ({ default: (await import("./pages/system")).System }));

export function App(): JSX.Element {
  return (
    <Show when={token()} fallback={<SignIn />} keyed>
      <Router root={Frame}>
        <Route path="/" component={Home} />
        <Route path="/library" component={Library} />
        <Route path="/search" component={Search} />
        <Route path="/ask/:conversation?" component={Ask} />
        <Route path="/watch/:video" component={Watch} />
        <Route path="/system" component={System} />
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
