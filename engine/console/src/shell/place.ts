import { Cell, useCell } from "../data/cell.ts";

/** Where the console is: the browser's address. */
export const place = new Cell<URL>(new URL(location.href));

/** Goes to a path of the console. `replace`: without a step back to here. */
export function go(path: string, { replace = false } = {}): void {
  const next = new URL(path, location.href);
  if (next.href === location.href) return;
  const moved = next.pathname !== location.pathname;
  if (replace) history.replaceState(history.state, "", next);
  else {
    // Where this page is left, for whoever comes back to it.
    history.replaceState({ y: scrollY }, "");
    history.pushState(null, "", next);
  }
  place.set(next);
  if (moved) window.scrollTo(0, 0);
}

/** So long a page may take until it is as high as it was when it was left. */
const RETURN_MS = 3_000;

/** Scrolls to where a page was left, once it is drawn so far, unless somebody moves meanwhile. */
function scrollBack(y: number): void {
  const until = performance.now() + RETURN_MS;
  const at = place.value;
  const gone = new AbortController();
  for (const type of ["wheel", "pointerdown", "keydown", "touchstart"]) {
    addEventListener(type, () => gone.abort(), { once: true, passive: true, signal: gone.signal });
  }
  const step = () => {
    if (gone.signal.aborted || place.value !== at) return gone.abort();
    scrollTo(0, y);
    if (scrollY < y - 1 && performance.now() < until) requestAnimationFrame(step);
    else gone.abort();
  };
  requestAnimationFrame(step);
}

/** Follows the browser's own buttons, and takes clicks on links of the console without loading the page anew. */
export function followLinks(isOurs: (path: string) => boolean): void {
  addEventListener("popstate", ({ state }: PopStateEvent) => {
    place.set(new URL(location.href));
    const { y } = (state ?? {}) as { readonly y?: unknown };
    if (typeof y === "number") scrollBack(y);
  });
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
