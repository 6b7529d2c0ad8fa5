// The mesh that served this page, and the token that opens it.

import { createSignal } from "solid-js";
import { Vidmesh, VidmeshError } from "@vidmesh/client";

const KEY = "vidmesh.token";

/** What tabs of this app say to each other. */
type Word = { ask: true } | { token: string } | { ended: string };

/** The app's other tabs: a new one gets the token from them, and it is gone with the last. */
const tabs = new BroadcastChannel(KEY);
const tell = (word: Word) => tabs.postMessage(word);

/** A link with `#token=...` signs in; the token leaves the address bar at once. */
function takeToken(): string {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given !== null) {
    sessionStorage.setItem(KEY, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(KEY) ?? "";
}

const [token, setToken] = createSignal(takeToken());

addEventListener("hashchange", () => setToken(takeToken()));

tabs.onmessage = ({ data }: MessageEvent<Word>) => {
  if ("ask" in data && token() !== "") tell({ token: token() });
  if ("token" in data && token() === "") enter(data.token);
  if ("ended" in data && token() === data.ended) leave();
};
if (token() === "") tell({ ask: true });

const [refusal, setRefusal] = createSignal("");

/** `refusal` says why the last token was refused; empty where none was. */
export { refusal, token };

function enter(given: string): void {
  sessionStorage.setItem(KEY, given);
  setRefusal("");
  setToken(given);
}

function leave(): void {
  // What the tab has kept belongs to this token.
  sessionStorage.clear();
  setToken("");
}

export function signIn(text: string): void {
  enter(text.trim());
  tell({ token: token() });
}

/** In every tab that has this token. */
export function signOut(): void {
  tell({ ended: token() });
  leave();
}

/** In development the page comes from elsewhere, and the mesh is named by VITE_MESH. */
const endpoint = (import.meta.env.VITE_MESH as string | undefined) ?? location.origin;

export const mesh = new Vidmesh({ endpoint, token });

/** What went wrong, in words for a person. A refused token signs out. */
export function asProblem(thrown: unknown): VidmeshError {
  if (!(thrown instanceof VidmeshError)) throw thrown;
  if (thrown.reason === "UNAUTHENTICATED" && token() !== "") {
    setRefusal("This token is not taken: it was copied wrong, or has ended.");
    signOut();
  }
  const { kind } = thrown.metadata;
  if (thrown.reason !== "NOT_FOUND" || kind === undefined || kind.includes(" ")) return thrown;
  // The service speaks of ids and tenants, to programs.
  const { reason, code, metadata, told } = thrown;
  const gone = `This ${kind} is not there any more, or never was.`;
  return new VidmeshError(gone, { reason, code, metadata, told, cause: thrown });
}
