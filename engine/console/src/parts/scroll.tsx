import type { ComponentChildren, RefObject } from "preact";

interface ScrollProps {
  readonly label: string;
  readonly class?: string;
  readonly element?: RefObject<HTMLElement | null>;
  readonly onScroll?: () => void;
  readonly children: ComponentChildren;
}

/** A part that scrolls by itself, and by the keyboard too. */
export function Scroll({ label, class: name, element, onScroll, children }: ScrollProps) {
  const scrolled = onScroll === undefined ? {} : { onScroll };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must take the focus, or the keyboard cannot scroll it
    <section ref={element ?? null} class={name} aria-label={label} tabIndex={0} {...scrolled}>
      {children}
    </section>
  );
}
