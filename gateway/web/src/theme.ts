// Light or dark: as the system has it until the reader chooses.

import { createSignal } from "solid-js";

const KEY = "vidmesh.theme";
const system = matchMedia("(prefers-color-scheme: dark)");

const [isDark, setDark] = createSignal(chosen() === undefined ? system.matches : chosen() === "dark");

system.addEventListener("change", (event) => {
  if (chosen() === undefined) setDark(event.matches);
});

export { isDark };

export function toggleTheme(): void {
  const theme = isDark() ? "light" : "dark";
  localStorage.setItem(KEY, theme);
  document.documentElement.dataset.theme = theme;
  setDark(theme === "dark");
}

function chosen(): string | undefined {
  return localStorage.getItem(KEY) ?? undefined;
}
