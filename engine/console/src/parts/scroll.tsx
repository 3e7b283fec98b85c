import type { ComponentChildren, RefObject } from "preact";
import { useRef } from "preact/hooks";

import { useMore } from "./more.ts";

interface ScrollProps {
  readonly label: string;
  readonly class?: string;
  readonly element?: RefObject<HTMLElement | null>;
  readonly onScroll?: () => void;
  readonly children: ComponentChildren;
}

/** A part that scrolls by itself, and by the keyboard too. Where it goes on to a side, that edge fades. */
export function Scroll({ label, class: name, element, onScroll, children }: ScrollProps) {
  const own = useRef<HTMLElement>(null);
  useMore(element ?? own);
  const scrolled = onScroll === undefined ? {} : { onScroll };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must take the focus, or the keyboard cannot scroll it
    <section ref={element ?? own} class={name} aria-label={label} tabIndex={0} {...scrolled}>
      {children}
    </section>
  );
}
