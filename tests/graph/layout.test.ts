import { expect, test } from "bun:test";
import fc from "fast-check";

import { type Box, layoutOf, type Line, type Picture } from "../../engine/graph/layout.ts";
import { type Branch, type GraphNode, type Item, type Outline, outlineOf } from "../../engine/graph/outline.ts";
import { svgOf } from "../../engine/graph/svg.ts";
import { everyKind } from "./every-kind.ts";
import { said, written } from "../../engine/graph/words.ts";

/** What a picture must not have, in words. Empty: it can be read. */
function faultsOf({ boxes, lines, width, height }: Picture): string[] {
  const named = (box: Box) => `${box.node.lines[0]?.text} at ${box.x},${box.y}`;
  return [
    ...boxes.flatMap((box, index) =>
      boxes
        .slice(index + 1)
        .flatMap((other) => (overlap(box, other) ? [`${named(box)} lies over ${named(other)}`] : [])),
    ),
    ...lines.flatMap((line) =>
      boxes.flatMap((box) => (crosses(line, box) ? [`a line (${line.points.join(" ")}) crosses ${named(box)}`] : [])),
    ),
    ...boxes
      .filter((box) => box.x < 0 || box.y < 0 || box.x + box.width > width || box.y + box.height > height)
      .map((box) => `${named(box)} is outside`),
    ...lines
      .flatMap(({ points }) => points)
      .filter(([x, y]) => x < 0 || y < 0 || x > width || y > height)
      .map(([x, y]) => `a line is outside at ${x},${y}`),
  ];
}

function overlap(one: Box, other: Box): boolean {
  return (
    one.x < other.x + other.width &&
    other.x < one.x + one.width &&
    one.y < other.y + other.height &&
    other.y < one.y + one.height
  );
}

/** Lines run straight down or across; a touch is none. */
function crosses({ points }: Line, { x, y, width, height }: Box): boolean {
  return points.slice(1).some(([toX, toY], index) => {
    const [fromX, fromY] = points[index] ?? [0, 0];
    const [left, right] = [Math.min(fromX, toX), Math.max(fromX, toX)];
    const [top, bottom] = [Math.min(fromY, toY), Math.max(fromY, toY)];
    return left < x + width && right > x && top < y + height && bottom > y;
  });
}

function node(kind: GraphNode["kind"], lines: readonly string[]): GraphNode {
  return { kind, lines: lines.map(written), pivot: false };
}

const lines = fc.array(fc.constantFrom("a", "a step", "domain.a_rather_long_action", "申し込みを登録する"), {
  minLength: 1,
  maxLength: 4,
});

function itemsAt(depth: number): fc.Arbitrary<readonly Item[]> {
  return fc.array(itemAt(depth), { maxLength: 3 });
}

function branchesAt(depth: number): fc.Arbitrary<readonly Branch[]> {
  if (depth === 0) return fc.constant([]);
  const label = fc.constantFrom(said("yes"), said("catch", "a_long_code_of_a_rejection"));
  return fc.array(fc.record({ label, items: itemsAt(depth - 1) }), { maxLength: 3 });
}

function itemAt(depth: number): fc.Arbitrary<Item> {
  const parts = { lines, undo: fc.option(lines), joined: fc.boolean(), ends: fc.boolean() };
  const ways = { catches: branchesAt(depth), branches: branchesAt(depth) };
  return fc.record({ ...parts, ...ways }).map(({ lines: own, undo, catches, branches, joined, ends }) => ({
    node: node("command", own),
    ...(undo === null ? {} : { undo: node("undo", undo) }),
    ...(joined ? { join: node("join", ["all"]) } : {}),
    catches,
    branches,
    ends: ends && branches.length === 0,
  }));
}

function around(inside: readonly Item[]): Outline {
  return { start: node("start", ["order"]), items: inside, completed: node("completed", ["completed"]) };
}

test("no box lies over another, and no line crosses one, whatever the saga looks like", () => {
  fc.assert(
    fc.property(itemsAt(2), (inside) => {
      expect(faultsOf(layoutOf(around(inside)))).toEqual([]);
    }),
    { numRuns: 300, seed: 5 },
  );
});

test("boxes that overlap, and lines through a box, are found", () => {
  const box = { x: 0, y: 0, width: 10, height: 10, node: node("command", ["a"]) };
  const line = {
    points: [
      [5, -5],
      [5, 20],
    ],
    style: "next",
    arrow: false,
  } as const;
  const picture = { width: 100, height: 100, boxes: [box, { ...box, x: 5 }], lines: [line], labels: [] };

  expect(faultsOf(picture)).toEqual([
    "a at 0,0 lies over a at 5,0",
    "a line (5,-5 5,20) crosses a at 0,0",
    "a line is outside at 5,-5",
  ]);
});

test("every kind of step has its box, and each way its label", () => {
  const { boxes, labels } = layoutOf(outlineOf(everyKind));

  expect(new Set(boxes.map((box) => box.node.kind))).toEqual(
    new Set([
      ...[
        "start",
        "set",
        "command",
        "undo",
        "parallel",
        "saga",
        "join",
        "fail",
        "each",
        "if",
        "choose",
        "sleep",
        "end",
      ],
      ...["wait", "notify", "completed"],
    ]) as Set<GraphNode["kind"]>,
  );
  expect(labels.map(({ text }) => text).sort()).toEqual(
    [
      ...["undo", "undo", "north", "south", "catch deadline", "4 at once", "yes", "no", "catch any"],
      ...["vars.total > 100", "vars.total > 50", "else", "catch deadline"],
    ].sort(),
  );
});

test("the SVG stands alone, and holds text of the definition as text", () => {
  const svg = svgOf(outlineOf(everyKind));

  expect(svg).toStartWith('<svg xmlns="http://www.w3.org/2000/svg" width="');
  expect(svg).toContain("parcel.size &lt; 3 &amp;&amp; parcel.name != &quot;x&quot;");
  expect(svg).toContain('stroke-width="3"');
  expect(svg.replace("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:|<script|<image|@import/);
});
