// The mesh that served this page, and the token that opens it.

import { createSignal } from "solid-js";
import { Vidmesh, VidmeshError } from "@vidmesh/client";

const KEY = "vidmesh.token";

/** A link with `#token=...` signs in; the token leaves the address bar at once and stays for this tab alone. */
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

const [refusal, setRefusal] = createSignal("");

/** `refusal` says why the last token was refused; empty where none was. */
export { refusal, token };

export function signIn(text: string): void {
  sessionStorage.setItem(KEY, text.trim());
  setRefusal("");
  setToken(text.trim());
}

export function signOut(): void {
  // What the tab has kept belongs to this token.
  sessionStorage.clear();
  setToken("");
}

/** In development the page comes from elsewhere, and the mesh is named by VITE_MESH. */
const endpoint = (import.meta.env.VITE_MESH as string | undefined) ?? location.origin;

export const mesh = new Vidmesh({ endpoint, token });

/** What went wrong, in words for a person. A refused token signs out. */
export function asProblem(thrown: unknown): VidmeshError {
  if (!(thrown instanceof VidmeshError)) throw thrown;
  if (thrown.reason === "UNAUTHENTICATED" && token() !== "") {
    setRefusal(`${thrown.message} ${thrown.advice}`);
    signOut();
  }
  return thrown;
}
