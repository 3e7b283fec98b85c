import { type Box, clipped, type Label, layoutOf, type Line } from "./layout.ts";
import type { NodeKind, Outline } from "./outline.ts";

const MARGIN = 24;

/** The outline as an SVG picture that stands alone: no script, no font, nothing from elsewhere. */
export function svgOf(outline: Outline): string {
  const { width, height, boxes, lines, labels } = layoutOf(outline);
  const [wide, high] = [Math.ceil(width + 2 * MARGIN), Math.ceil(height + 2 * MARGIN)];
  const title = outline.start.lines.map(({ text }) => text).join(", ");
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${wide}" height="${high}" viewBox="0 0 ${wide} ${high}" role="img">`,
    `<title>${escaped(title)}</title>`,
    DEFINITIONS,
    `<rect width="${wide}" height="${high}" fill="#ffffff"/>`,
    `<g transform="translate(${MARGIN} ${MARGIN})" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="11.5">`,
    ...lines.map(lineText),
    ...boxes.map(boxText),
    ...labels.map(labelText),
    "</g>",
    "</svg>",
    "",
  ].join("\n");
}

const COLOURS: Readonly<Record<Line["style"], string>> = { next: "#475467", catch: "#b54708", undo: "#98a2b3" };

const DEFINITIONS = `<defs>${Object.entries(COLOURS)
  .map(
    ([style, colour]) =>
      `<marker id="${style}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">` +
      `<path d="M0 0L8 4L0 8z" fill="${colour}"/></marker>`,
  )
  .join("")}</defs>`;

interface Look {
  readonly fill: string;
  readonly stroke: string;
  /** Radius of the corners. */
  readonly round: number;
}

const PLAIN: Look = { fill: "#eff4ff", stroke: "#3538cd", round: 4 };
const PILL: Look = { fill: "#f2f4f7", stroke: "#475467", round: 22 };
const WAITS: Look = { fill: "#fffaeb", stroke: "#b54708", round: 14 };
const ASKS: Look = { fill: "#f9f5ff", stroke: "#6941c6", round: 0 };

const LOOKS: Readonly<Record<NodeKind, Look>> = {
  start: PILL,
  completed: { fill: "#ecfdf3", stroke: "#027a48", round: 22 },
  end: { fill: "#ecfdf3", stroke: "#027a48", round: 22 },
  fail: { fill: "#fef3f2", stroke: "#b42318", round: 22 },
  command: PLAIN,
  notify: { ...PLAIN, fill: "#ffffff" },
  saga: { ...PLAIN, fill: "#e0eaff" },
  set: { ...PLAIN, fill: "#f9fafb", stroke: "#667085" },
  wait: WAITS,
  sleep: WAITS,
  choose: ASKS,
  if: ASKS,
  parallel: { ...ASKS, round: 4 },
  each: { ...ASKS, round: 4 },
  join: PILL,
  undo: { fill: "#ffffff", stroke: "#98a2b3", round: 4 },
};

function boxText({ x, y, width, height, node }: Box): string {
  const { fill, stroke, round } = LOOKS[node.kind];
  const dashed = node.kind === "undo" ? ' stroke-dasharray="4 3"' : "";
  const outline =
    node.kind === "choose" || node.kind === "if"
      ? `<path d="${pointed(x, y, width, height)}" fill="${fill}" stroke="${stroke}"/>`
      : `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${Math.min(round, height / 2)}" fill="${fill}"` +
        ` stroke="${stroke}" stroke-width="${node.pivot ? 3 : 1}"${dashed}/>`;
  const texts = node.lines.map(({ text }, index) => {
    const weight = index === 0 && node.lines.length > 1 && node.kind !== "undo" ? ' font-weight="bold"' : "";
    const top = y + 24 + index * 17;
    return `<text x="${x + width / 2}" y="${top}" text-anchor="middle"${weight} fill="#101828">${escaped(clipped(text))}</text>`;
  });
  return `<g><title>${escaped(node.lines.map(({ text }) => text).join("\n"))}</title>${outline}${texts.join("")}</g>`;
}

/** A box with a point to the left and to the right: here the way divides. */
function pointed(x: number, y: number, width: number, height: number): string {
  const middle = y + height / 2;
  const tip = 10;
  return `M${x - tip} ${middle}L${x} ${y}H${x + width}L${x + width + tip} ${middle}L${x + width} ${y + height}H${x}z`;
}

function lineText({ points, style, arrow }: Line): string {
  const path = points.map(([x, y], index) => `${index === 0 ? "M" : "L"}${x} ${y}`).join("");
  const dashed = style === "undo" ? ' stroke-dasharray="2 3"' : style === "catch" ? ' stroke-dasharray="7 3"' : "";
  const end = arrow ? ` marker-end="url(#${style})"` : "";
  return `<path d="${path}" fill="none" stroke="${COLOURS[style]}"${dashed}${end}/>`;
}

function labelText({ x, y, text }: Label): string {
  return `<text x="${x}" y="${y}" fill="#344054" font-style="italic">${escaped(clipped(text))}</text>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
