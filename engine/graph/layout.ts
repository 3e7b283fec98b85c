import type { Branch, GraphNode, Item, Outline } from "./outline.ts";
import { said, type Text } from "./words.ts";

/** Widest text of a line; the whole of it is the node's tooltip. */
const CHARACTERS_MAX = 46;
const CHARACTER = 7;
const LINE = 17;
const PADDING = 12;
const GAP = 30;
const BESIDE = 34;
/** From a bar down to the first node of a way; its label stands beside it. */
const DROP = 38;

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly node: GraphNode;
}

/** A line through corners; `to`: an arrow at its end. */
export interface Line {
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly style: "next" | "catch" | "undo";
  readonly arrow: boolean;
}

export interface Label extends Text {
  readonly x: number;
  readonly y: number;
}

/** A piece of the picture: its size, the x where one comes in at the top and leaves at the bottom, what it holds. */
interface Piece {
  readonly width: number;
  readonly height: number;
  readonly axis: number;
  readonly ends: boolean;
  readonly boxes: readonly Box[];
  readonly lines: readonly Line[];
  readonly labels: readonly Label[];
}

export type Picture = Omit<Piece, "axis" | "ends">;

const EMPTY: Piece = { width: 0, height: 0, axis: 0, ends: false, boxes: [], lines: [], labels: [] };

/**
 * Places an outline: one below the other on an axis, ways side by side, catches to the right, compensations to the left.
 * Each piece gets a rectangle of its own, so nothing can overlap.
 */
export function layoutOf({ start, items, completed }: Outline): Picture {
  const body = stack([nodePiece(start), ...items.map(itemPiece)]);
  return body.ends ? body : stack([body, nodePiece(completed)]);
}

/** What a box shows of a line. */
export function clipped(text: string): string {
  const one = text.replaceAll(/\s+/g, " ");
  return one.length <= CHARACTERS_MAX ? one : `${one.slice(0, CHARACTERS_MAX - 1)}…`;
}

function widthOf(text: string): number {
  return Math.ceil(Bun.stringWidth(clipped(text)) * CHARACTER);
}

function nodePiece(node: GraphNode): Piece {
  const width = Math.max(70, ...node.lines.map(({ text }) => widthOf(text))) + 2 * PADDING;
  const height = node.lines.length * LINE + 2 * PADDING;
  return { ...EMPTY, width, height, axis: width / 2, boxes: [{ x: 0, y: 0, width, height, node }] };
}

/** Pieces one below the other, joined by arrows. */
function stack(pieces: readonly Piece[]): Piece {
  const axis = Math.max(0, ...pieces.map((piece) => piece.axis));
  const right = Math.max(0, ...pieces.map((piece) => piece.width - piece.axis));
  let whole: Piece = { ...EMPTY, width: axis + right, axis };
  for (const [index, piece] of pieces.entries()) {
    const top = index === 0 ? 0 : whole.height + GAP;
    whole = placed(whole, piece, axis - piece.axis, top);
    if (index > 0)
      whole = withLine(
        whole,
        [
          [axis, top - GAP],
          [axis, top],
        ],
        "next",
        true,
      );
    whole = { ...whole, height: top + piece.height, ends: piece.ends };
  }
  return whole;
}

/** `piece` moved to a place inside `whole`. */
function placed(whole: Piece, piece: Piece, left: number, top: number): Piece {
  const points = (line: Line) => line.points.map(([x, y]) => [x + left, y + top] as const);
  return {
    ...whole,
    boxes: [...whole.boxes, ...piece.boxes.map((box) => ({ ...box, x: box.x + left, y: box.y + top }))],
    lines: [...whole.lines, ...piece.lines.map((line) => ({ ...line, points: points(line) }))],
    labels: [...whole.labels, ...piece.labels.map((label) => ({ ...label, x: label.x + left, y: label.y + top }))],
  };
}

function withLine(piece: Piece, points: Line["points"], style: Line["style"], arrow: boolean): Piece {
  return { ...piece, lines: [...piece.lines, { points, style, arrow }] };
}

function itemPiece(item: Item): Piece {
  const head = headPiece(item);
  const opened = item.branches.length === 0 ? { ...head.piece, ends: item.ends } : withBranches(head.piece, item);
  return item.catches.length === 0 ? opened : withCatches(opened, head, item.catches);
}

/** The node's own box inside its row. */
interface Head {
  readonly piece: Piece;
  readonly right: number;
  readonly height: number;
}

/** The node, and to its left how it is undone. */
function headPiece({ node, undo }: Item): Head {
  const own = nodePiece(node);
  if (undo === undefined) return { piece: own, right: own.width, height: own.height };
  const back = nodePiece(undo);
  const left = back.width + BESIDE;
  const height = Math.max(own.height, back.height);
  const middle = Math.min(own.height, back.height) / 2;
  let row: Piece = { ...EMPTY, width: left + own.width, height, axis: left + own.axis };
  row = placed(placed(row, back, 0, 0), own, left, 0);
  row = withLine(
    row,
    [
      [left, middle],
      [back.width, middle],
    ],
    "undo",
    true,
  );
  row = { ...row, labels: [{ x: back.width + 3, y: middle - 5, ...said("undo") }] };
  // A taller compensation leaves a hole below the node, which the way down must cross.
  if (own.height < height)
    row = withLine(
      row,
      [
        [row.axis, own.height],
        [row.axis, height],
      ],
      "next",
      false,
    );
  return { piece: row, right: left + own.width, height: own.height };
}

/** A way with room for its label beside the line that leads down to it. */
function column({ label, items }: Branch): Piece & { readonly label: Text } {
  const piece = items.length === 0 ? EMPTY : stack(items.map(itemPiece));
  const width = Math.max(piece.width, piece.axis + 8 + widthOf(label.text));
  return { ...piece, width, label };
}

/** The ways that a node opens, side by side below it, and the line where they come together. */
function withBranches(head: Piece, { branches, join }: Item): Piece {
  const columns = branches.map(column);
  const lefts = columns.map((_, index) => columns.slice(0, index).reduce((sum, { width }) => sum + width + BESIDE, 0));
  const axes = columns.map(({ axis }, index) => axis + (lefts[index] ?? 0));
  const middle = ((axes[0] ?? 0) + (axes.at(-1) ?? 0)) / 2;
  const axis = Math.max(head.axis, middle);
  const shift = axis - middle;
  const right = Math.max(head.width - head.axis, (lefts.at(-1) ?? 0) + (columns.at(-1)?.width ?? 0) - middle);
  const bar = head.height + GAP / 2;
  const top = bar + DROP;
  const bottom = top + Math.max(...columns.map(({ height }) => height)) + GAP / 2;
  let whole: Piece = placed({ ...EMPTY, width: axis + right, axis }, head, axis - head.axis, 0);
  for (const [index, each] of columns.entries()) {
    const x = (axes[index] ?? 0) + shift;
    whole = placed(whole, each, (lefts[index] ?? 0) + shift, top);
    whole = way(whole, { ...each, x, top, bottom, from: [axis, head.height], bar, back: axis, style: "next" });
  }
  const ends = columns.every((each) => each.ends);
  whole = { ...whole, height: bottom, ends };
  return join === undefined || ends ? whole : stack([whole, nodePiece(join)]);
}

interface Way {
  readonly label: Text;
  readonly height: number;
  readonly ends: boolean;
  /** Axis of the way, where it begins, and where all ways come together. */
  readonly x: number;
  readonly top: number;
  readonly bottom: number;
  readonly from: readonly [number, number];
  /** Height at which the line turns. */
  readonly bar: number;
  /** Axis to which it comes back. */
  readonly back: number;
  readonly style: Line["style"];
}

/** The lines of one way: from the node down to it with its label, and from its end back to the axis. */
function way(whole: Piece, { label, height, ends, x, top, bottom, from, bar, back, style }: Way): Piece {
  const empty = height === 0;
  const [fromX, fromY] = from;
  const into: Line["points"] = [
    [fromX, fromY],
    [fromX, bar],
    [x, bar],
    [x, empty ? bottom : top],
  ];
  let drawn = withLine(whole, into, style, !empty);
  drawn = { ...drawn, labels: [...drawn.labels, { x: x + 6, y: top - 10, ...label }] };
  if (!empty && !ends)
    drawn = withLine(
      drawn,
      [
        [x, top + height],
        [x, bottom],
      ],
      "next",
      false,
    );
  return ends
    ? drawn
    : withLine(
        drawn,
        [
          [x, bottom],
          [back, bottom],
        ],
        empty ? style : "next",
        false,
      );
}

/** Ways out of a node that has not ended well, to the right of all that it opens. */
function withCatches(piece: Piece, head: Head, catches: readonly Branch[]): Piece {
  const columns = catches.map(column);
  // The node may have been moved to the right by the ways below it.
  const shift = piece.axis - head.piece.axis;
  const top = head.height + GAP / 2 + DROP;
  const bottom = Math.max(piece.height, top + Math.max(...columns.map(({ height }) => height))) + GAP / 2;
  let whole: Piece = { ...piece, height: bottom };
  let left = piece.width + BESIDE;
  for (const [index, each] of columns.entries()) {
    const x = left + each.axis;
    // The further to the right, the higher it leaves: no line crosses another.
    const y = (head.height * (columns.length - index)) / (columns.length + 1);
    whole = placed(whole, each, left, top);
    whole = way(whole, {
      ...each,
      x,
      top,
      bottom,
      from: [head.right + shift, y],
      bar: y,
      back: piece.axis,
      style: "catch",
    });
    left += each.width + BESIDE;
  }
  const open = columns.some(({ ends }) => !ends);
  if (!piece.ends)
    whole = withLine(
      whole,
      [
        [piece.axis, piece.height],
        [piece.axis, bottom],
      ],
      "next",
      false,
    );
  return { ...whole, width: left - BESIDE, ends: piece.ends && !open };
}
