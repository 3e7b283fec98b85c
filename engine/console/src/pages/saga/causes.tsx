import { useLayoutEffect, useRef, useState } from "preact/hooks";

import type { Message } from "../../data/shapes.ts";
import { type Link, linksOf } from "./cause-links.ts";

/** Where the first line of a row stands, from the row's top. */
const FIRST_LINE = 17;
/** How far a line bulges where request and consumption stand below each other. */
const BULGE = 13;

interface Drawn {
  readonly link: Link;
  readonly way: string;
}

const NONE: readonly Drawn[] = [];

/** Lines between the two lists, for the selected message. "Because of" and "led to" in the rows say the same in words. */
export function CauseLines({
  messages,
  selected,
}: {
  readonly messages: readonly Message[];
  readonly selected: string | undefined;
}) {
  const svg = useRef<SVGSVGElement>(null);
  const [drawn, setDrawn] = useState(NONE);
  useLayoutEffect(() => {
    const table = svg.current?.parentElement?.querySelector("table");
    if (table === null || table === undefined) return;
    const links = linksOf(messages, selected);
    // Nothing to draw is no reason to have the whole list laid out at once.
    if (links.length === 0) {
      svg.current?.setAttribute("height", "0");
      return setDrawn(NONE);
    }
    const draw = () => {
      setDrawn(links.flatMap((link) => drawnOf(table, link)));
      // The browser does not let a picture without a size take the one of its box.
      svg.current?.setAttribute("height", String(table.offsetHeight));
    };
    draw();
    // Rows grow and shrink with the window, and when a payload is opened.
    const watching = new ResizeObserver(draw);
    watching.observe(table);
    return () => watching.disconnect();
  }, [messages, selected]);
  return (
    <svg ref={svg} class="causes" aria-hidden="true">
      <defs>
        <marker
          id="cause"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerUnits="userSpaceOnUse"
          markerWidth="9"
          markerHeight="9"
          orient="auto"
        >
          <path d="M0 0L8 4L0 8z" />
        </marker>
      </defs>
      {drawn.map(({ link: { from, to, kind }, way }) => (
        <path
          key={`${from} ${to}`}
          class={`cause ${kind}`}
          d={way}
          marker-end={kind === "before" ? undefined : "url(#cause)"}
        />
      ))}
    </svg>
  );
}

function drawnOf(table: HTMLTableElement, link: Link): readonly Drawn[] {
  const [from, to] = [link.from, link.to].map((id) => table.ownerDocument.getElementById(`message-${id}`));
  const start = from?.querySelector(link.kind === "own" || link.from === link.to ? ".request" : ".made");
  const end = to?.querySelector(link.from === link.to ? ".made" : ".request");
  if (start === null || start === undefined || end === null || end === undefined) return [];
  const origin = table.getBoundingClientRect();
  const [a, b] = [start, end].map((cell) => cell.getBoundingClientRect());
  if (a === undefined || b === undefined) return [];
  const [y1, y2] = [a.top - origin.top + FIRST_LINE, b.top - origin.top + FIRST_LINE];
  // Side by side the lines run between the lists; one below the other, to the left of both.
  const isSideBySide = link.from === link.to ? b.left >= a.right : a.left >= b.right;
  if (!isSideBySide) {
    const x = a.left - origin.left;
    return [{ link, way: `M${x} ${y1}C${x - BULGE} ${y1} ${x - BULGE} ${y2} ${x + 2} ${y2}` }];
  }
  const [x1, x2] = link.from === link.to ? [a.right, b.left] : [a.left, b.right];
  const [left, right] = [x1 - origin.left, x2 - origin.left];
  const middle = (left + right) / 2;
  return [{ link, way: `M${left} ${y1}C${middle} ${y1} ${middle} ${y2} ${right} ${y2}` }];
}
