import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

/** Notes on a part that scrolls sideways where there is more of it than is seen: `data-more` is left, right, or both. */
export function useMore(element: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const part = element.current;
    if (part === null) return;
    const look = () => {
      const { scrollLeft, scrollWidth, clientWidth, clientTop } = part;
      // Widths are rounded, places are not.
      const left = scrollLeft > 1 ? "left" : "";
      const right = scrollLeft + clientWidth < scrollWidth - 1 ? "right" : "";
      const more = `${left} ${right}`.trim();
      if (more === "") part.removeAttribute("data-more");
      else part.dataset.more = more;
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
