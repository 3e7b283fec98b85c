import { useState } from "preact/hooks";

import type { Graph, GraphBox, SagaTimer } from "../../data/shapes.ts";
import { between, duration } from "../../parts/format.ts";
import { Scroll } from "../../parts/scroll.tsx";
import { lookOf, statusText } from "../../parts/status.tsx";
import { useSecond } from "../../parts/time.tsx";
import { extentOf, useGraphWindow } from "./graph-window.ts";
import { widthOf } from "./graph-lines.ts";
import { linesOf, wordsText } from "./graph-words.ts";
import { lookOfPair } from "./pairs.ts";
import { numberless, type Pair, type Place } from "./places.ts";
import { t } from "./text.ts";

const MARGIN = 16;
const LINE = 17;
const POINTED = new Set(["choose", "if"]);
const PILLS = new Set(["start", "completed", "end", "fail", "join"]);

interface GraphProps {
  readonly graph: Graph;
  readonly places: ReadonlyMap<string, Place>;
  /** Of a run that is, or was, undone: how each step stands with its compensation, in the order of the run. */
  readonly pairs?: ReadonlyMap<string, Pair> | undefined;
  /** What a step does by itself, by its path without numbers. */
  readonly timers?: ReadonlyMap<string, SagaTimer>;
  /** Path of the selected step. */
  readonly selected?: string | undefined;
  /** Path of the step that a large picture shows at first, when none is selected. */
  readonly current?: string | undefined;
  readonly onSelect?: (path: string) => void;
}

/** A definition as a picture, with how each of its steps stands in a run. The list of steps says the same in words. */
export function GraphView({ graph, places, pairs, timers, selected, current, onSelect }: GraphProps) {
  const { width, height, boxes, lines, labels } = graph;
  const [first] = useState(current);
  const focus = selected ?? first;
  const { element, onScroll, shows } = useGraphWindow(graph, focus === undefined ? undefined : numberless(focus));
  const right = labels.reduce((most, { x, text, words }) => Math.max(most, x + widthOf(wordsText(text, words))), width);
  const [wide, high] = [right + 2 * MARGIN, height + 2 * MARGIN];
  return (
    <Scroll class="graph" label={t("graphText")} element={element} onScroll={onScroll}>
      <svg
        role="img"
        aria-label={t("graphText")}
        width={wide}
        height={high}
        viewBox={`${-MARGIN} ${-MARGIN} ${wide} ${high}`}
      >
        <defs>
          <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
            <path d="M0 0L8 4L0 8z" />
          </marker>
        </defs>
        {lines
          .filter(({ points }) => shows(extentOf(points)))
          .map(({ points, style, arrow }) => {
            const way = points.map(([x, y]) => `${x},${y}`).join(" ");
            return (
              <polyline
                key={`${style} ${way}`}
                class={`way ${style}`}
                points={way}
                marker-end={arrow ? "url(#arrow)" : undefined}
              />
            );
          })}
        {waysBack(boxes, pairs)
          .filter((points) => shows(extentOf(points)))
          .map((points) => {
            const way = points.map(([x, y]) => `${x},${y}`).join(" ");
            return <polyline key={way} class="way back" points={way} marker-end="url(#arrow)" />;
          })}
        {boxes
          .filter(({ x, y, width: w, height: h }) => shows({ left: x, right: x + w, top: y, bottom: y + h }))
          .map((box) => (
            <BoxView
              key={`${box.x} ${box.y}`}
              box={box}
              place={box.path === null ? undefined : places.get(box.path)}
              timer={box.path === null || box.kind === "undo" ? undefined : timers?.get(box.path)}
              pair={box.path === null || box.kind !== "undo" ? undefined : pairs?.get(box.path)}
              selected={selected !== undefined && box.path === numberless(selected)}
              onSelect={onSelect}
            />
          ))}
        {labels
          .filter(({ x, y }) => shows({ left: x, right: x, top: y, bottom: y }))
          .map(({ x, y, text, words }) => (
            <text key={`${x} ${y}`} x={x} y={y} class="label">
              {wordsText(text, words)}
            </text>
          ))}
      </svg>
    </Scroll>
  );
}

interface BoxProps {
  readonly box: GraphBox;
  readonly place: Place | undefined;
  readonly pair: Pair | undefined;
  readonly timer: SagaTimer | undefined;
  readonly selected: boolean;
  readonly onSelect: ((path: string) => void) | undefined;
}

function BoxView({ box, place, pair, timer, selected, onSelect }: BoxProps) {
  const { x, y, width, height, kind, pivot } = box;
  const lines = linesOf(box);
  const look = pair === undefined ? lookOfStep(kind, place) : lookOfPair(pair);
  // What has not been undone yet looks so, for all its sign.
  const tone = look === undefined || pair === "done" ? "" : ` tone-${look.tone}`;
  const title = `${lines.join("\n")}${look === undefined ? "" : `\n${look.text()}`}`;
  const path = place?.path ?? box.path;
  // To the right of a compensation stands the word for the line to it.
  const corner = kind === "undo" ? x + 2 : x + width - 2;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the list of steps is the picture's twin for the keyboard
    <g
      class={`box ${kind}${tone}${selected ? " selected" : ""}${pivot ? " pivot" : ""}`}
      onClick={onSelect === undefined || path === null ? undefined : () => onSelect(path)}
    >
      <title>{title}</title>
      {POINTED.has(kind) ? (
        <path d={pointed(x, y, width, height)} />
      ) : (
        <rect x={x} y={y} width={width} height={height} rx={PILLS.has(kind) ? height / 2 : 6} />
      )}
      {lines.map((line, index) => (
        <text
          key={line}
          x={x + width / 2}
          y={y + 24 + index * LINE}
          class={index === 0 && lines.length > 1 ? "head" : undefined}
        >
          {line}
        </text>
      ))}
      {timer === undefined ? null : <Due timer={timer} right={x + width + 8} bottom={y + height + 4} />}
      {look === undefined ? null : (
        <g class="badge">
          <circle cx={corner} cy={y + 2} r={9} />
          <text x={corner} y={y + 6}>
            {look.icon}
          </text>
        </g>
      )}
    </g>
  );
}

/** In how long a step does something by itself: on the edge of its box, beside the line that leaves it, in one unit. */
function Due({ timer, right, bottom }: { readonly timer: SagaTimer; readonly right: number; readonly bottom: number }) {
  useSecond();
  const left = Math.round(-between(timer.dueAt, null) / 1_000) * 1_000;
  const [value, unit] = duration(left).split(" ");
  return (
    <text class="due" x={right} y={bottom}>
      ◷ {left < 1_000 ? "…" : `${value} ${unit}`}
    </text>
  );
}

/** From each compensation to the next, in the order in which they run: back from the last step. */
function waysBack(
  boxes: readonly GraphBox[],
  pairs: ReadonlyMap<string, Pair> = new Map(),
): readonly (readonly [from: readonly [number, number], to: readonly [number, number]])[] {
  const undoes = new Map(boxes.filter(({ kind }) => kind === "undo").map((box) => [box.path, box]));
  const run = [...pairs].flatMap(([path, pair]) => {
    const box = undoes.get(path);
    return box === undefined || pair === "nothing" || pair === "kept" ? [] : [box];
  });
  return run.flatMap((to, index) => {
    const from = run[index + 1];
    // Ways beside each other are undone at once.
    if (from === undefined || from.y < to.y + to.height) return [];
    return [[topOf(from), [to.x + to.width / 2, to.y + to.height]] as const];
  });
}

function topOf({ x, y, width }: GraphBox): readonly [number, number] {
  return [x + width / 2, y];
}

function lookOfStep(kind: string, place: Place | undefined) {
  const status = statusOf(kind, place);
  return status === undefined ? undefined : { ...lookOf(status), text: () => statusText(status) };
}

/**
 * What a box shows: a step its status, a compensation whether it ran. A step that is undone, or cannot be, has succeeded;
 * how that stands, its own box says.
 */
function statusOf(kind: string, place: Place | undefined): string | undefined {
  if (place === undefined) return undefined;
  const { status, backward } = place;
  const undone = backward || status === "compensated" || status === "compensating" || status === "kept";
  if (kind === "undo") return undone ? status : undefined;
  return undone ? "succeeded" : status;
}

function pointed(x: number, y: number, width: number, height: number): string {
  const cut = Math.min(14, height / 2);
  return `M${x + cut} ${y}H${x + width - cut}L${x + width} ${y + height / 2}L${x + width - cut} ${y + height}H${x + cut}L${x} ${y + height / 2}z`;
}
