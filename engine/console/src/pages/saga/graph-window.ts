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
  const box = boxes.find(({ path, kind }) => focus !== undefined && path === focus && kind !== "undo");
  useEffect(() => {
    const section = element.current;
    if (section === null || box === undefined) return;
    const isAbove = box.y < section.scrollTop;
    if (!isAbove && box.y + box.height <= section.scrollTop + section.clientHeight) return;
    section.scrollTop = box.y - section.clientHeight / 3;
    onScroll();
  }, [box?.path]);
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
