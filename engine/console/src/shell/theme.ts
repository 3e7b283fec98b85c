import { Cell } from "../data/cell.ts";

export type Theme = "system" | "light" | "dark";

const KEY = "ekiden.theme";
const THEMES: readonly Theme[] = ["system", "light", "dark"];

/** Light or dark: what was chosen here before, else the system's. */
export const theme = new Cell<Theme>(kept());

/** The next of the three. */
export function nextTheme(): void {
  const next = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "system";
  localStorage.setItem(KEY, next);
  apply(next);
  theme.set(next);
}

function kept(): Theme {
  const found = THEMES.find((one) => one === localStorage.getItem(KEY)) ?? "system";
  apply(found);
  return found;
}

function apply(chosen: Theme): void {
  document.documentElement.dataset["theme"] = chosen;
}
