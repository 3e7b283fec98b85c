import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

/**
 * Notes on a part that scrolls where there is more of it than is seen: `data-more` is left, right, or both, `data-beyond` above,
 * below, or both.
 */
export function useMore(element: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const part = element.current;
    if (part === null) return;
    const look = () => {
      const { scrollLeft, scrollWidth, clientWidth, scrollTop, scrollHeight, clientHeight, clientTop } = part;
      // Widths are rounded, places are not.
      const left = scrollLeft > 1 ? "left" : "";
      const right = scrollLeft + clientWidth < scrollWidth - 1 ? "right" : "";
      const above = scrollTop > 1 ? "above" : "";
      const below = scrollTop + clientHeight < scrollHeight - 1 ? "below" : "";
      note(part, "more", `${left} ${right}`);
      note(part, "beyond", `${above} ${below}`);
      // Its bar stays as it is while the edges above it fade.
      part.style.setProperty("--bar", `${part.offsetHeight - part.clientHeight - 2 * clientTop}px`);
    };
    const sizes = new ResizeObserver(look);
    for (const each of [part, ...part.children]) sizes.observe(each);
    part.addEventListener("scroll", look, { passive: true });
    return () => {
      sizes.disconnect();
      part.removeEventListener("scroll", look);
    };
  }, []);
}

function note(part: HTMLElement, name: string, words: string): void {
  const text = words.trim();
  if (text === "") delete part.dataset[name];
  else part.dataset[name] = text;
}
