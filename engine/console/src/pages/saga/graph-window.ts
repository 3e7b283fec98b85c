import { useEffect, useRef, useState } from "preact/hooks";

import type { Graph } from "../../data/shapes.ts";

/** Pictures of so many boxes are drawn whole. */
const WHOLE_MAX = 150;
/** A picture is drawn in fields of this size: the one in sight and those around it. */
const FIELD = 700;

/** A part of a picture: what it reaches. */
interface Extent {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Draws of a large picture what is in sight, and keeps the box that matters there. */
export function useGraphWindow({ boxes }: Graph, focus: string | undefined) {
  const element = useRef<HTMLElement>(null);
  const [field, setField] = useState({ x: 0, y: 0 });
  const onScroll = () => {
    const { scrollLeft = 0, scrollTop = 0 } = element.current ?? {};
    const next = { x: Math.floor(scrollLeft / FIELD), y: Math.floor(scrollTop / FIELD) };
    setField((known) => (known.x === next.x && known.y === next.y ? known : next));
  };
  const focused = boxes.find(({ path, kind }) => focus !== undefined && path === focus && kind !== "undo");
  // Of a picture that is wider than its room, the start may lie outside of it.
  const opened = useRef(false);
  const box = focused ?? (opened.current ? undefined : boxes.find(({ kind }) => kind === "start"));
  useEffect(() => {
    const section = element.current;
    opened.current = true;
    if (section === null || box === undefined) return;
    const isIn = (start: number, size: number, from: number, room: number) =>
      start >= from && start + size <= from + room;
    const { scrollTop, scrollLeft, clientHeight, clientWidth } = section;
    if (!isIn(box.y, box.height, scrollTop, clientHeight)) section.scrollTop = box.y - clientHeight / 3;
    if (!isIn(box.x, box.width, scrollLeft, clientWidth)) section.scrollLeft = box.x - (clientWidth - box.width) / 2;
    onScroll();
  }, [focused?.path]);
  const whole = boxes.length <= WHOLE_MAX;
  return {
    element,
    onScroll,
    shows: ({ left, right, top, bottom }: Extent) =>
      whole || (meets(left, right, field.x) && meets(top, bottom, field.y)),
  };
}

function meets(from: number, to: number, field: number): boolean {
  return to >= (field - 1) * FIELD && from <= (field + 3) * FIELD;
}

/** What a line reaches. */
export function extentOf(points: readonly (readonly [number, number])[]): Extent {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}
