import { Cell } from "./cell.ts";

export type Language = "en" | "ja";

const KEY = "ekiden.language";

/** The language of the console: what was chosen here before, else the browser's. */
export const language = new Cell<Language>(chosen());

/** Chooses it, on this machine. */
export function chooseLanguage(next: Language): void {
  localStorage.setItem(KEY, next);
  document.documentElement.lang = next;
  language.set(next);
}

function chosen(): Language {
  const kept = localStorage.getItem(KEY);
  const own = kept === "en" || kept === "ja" ? kept : navigator.language.startsWith("ja") ? "ja" : "en";
  document.documentElement.lang = own;
  return own;
}

type Values = Readonly<Record<string, string | number>>;

/**
 * The texts of a page in both languages; a key that one of them lacks does not compile. `{name}` in a text is filled in
 * from the values.
 */
export function texts<K extends string>(en: Readonly<Record<K, string>>, ja: Readonly<Record<NoInfer<K>, string>>) {
  return (key: K, values: Values = {}): string =>
    (language.value === "ja" ? ja : en)[key].replaceAll(/\{(\w+)\}/g, (whole, name: string) =>
      String(values[name] ?? whole),
    );
}
