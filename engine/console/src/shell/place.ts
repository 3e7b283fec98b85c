import { Cell, useCell } from "../data/cell.ts";

/** Where the console is: the browser's address. */
export const place = new Cell<URL>(new URL(location.href));

/** Goes to a path of the console. `replace`: without a step back to here. */
export function go(path: string, { replace = false } = {}): void {
  const next = new URL(path, location.href);
  if (next.href === location.href) return;
  const moved = next.pathname !== location.pathname;
  if (replace) history.replaceState(null, "", next);
  else history.pushState(null, "", next);
  place.set(next);
  if (moved) window.scrollTo(0, 0);
}

/** Follows the browser's own buttons, and takes clicks on links of the console without loading the page anew. */
export function followLinks(isOurs: (path: string) => boolean): void {
  addEventListener("popstate", () => place.set(new URL(location.href)));
  document.addEventListener("click", (event) => {
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link === null || link.target !== "" || link.hasAttribute("download")) return;
    const to = new URL(link.href, location.href);
    if (to.origin !== location.origin || !isOurs(to.pathname)) return;
    event.preventDefault();
    go(`${to.pathname}${to.search}${to.hash}`);
  });
}

/** The query of the address, and a way to change some of it; null or "" takes a parameter away. */
export function useQuery(): readonly [
  URLSearchParams,
  (change: Readonly<Record<string, string | null>>, options?: { replace?: boolean }) => void,
] {
  const { searchParams } = useCell(place);
  return [searchParams, (change, options) => go(withQuery(change), options)];
}

/** The present address with some of its query changed. */
export function withQuery(change: Readonly<Record<string, string | null>>): string {
  const next = new URL(place.value);
  for (const [name, value] of Object.entries(change)) {
    if (value === null || value === "") next.searchParams.delete(name);
    else next.searchParams.set(name, value);
  }
  return `${next.pathname}${next.search}`;
}
