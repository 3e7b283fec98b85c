import type { ComponentChildren } from "preact";

interface ScrollProps {
  readonly label: string;
  readonly class?: string;
  readonly children: ComponentChildren;
}

/** A part that scrolls by itself, and by the keyboard too. */
export function Scroll({ label, class: name, children }: ScrollProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must take the focus, or the keyboard cannot scroll it
    <section class={name} aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
