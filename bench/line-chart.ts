/** One line of a chart. */
export interface Line {
  readonly name: string;
  /** A side of the comparison is drawn strongly, a floor faintly. */
  readonly kind: "ours" | "peer" | "floor";
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** What a chart shows; both axes are logarithmic. */
export interface Chart {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly lines: readonly Line[];
}

const [WIDTH, HEIGHT] = [760, 432];
const PLOT = { left: 64, right: 744, top: 96, bottom: 384 };
const KEY_WIDTH = 230;

/** Readable for those who do not tell red from green, in light and in dark. */
const STYLE = `
  text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #424a53 }
  .title { font-size: 15px; font-weight: 600; fill: #1f2328 }
  .page { fill: #ffffff } .grid { stroke: #d8dee4 } .axis { stroke: #6e7781 }
  .line { fill: none; stroke-width: 2 } .ours { stroke-width: 3.5 } .floor { stroke-dasharray: 5 4 }
  .c0 { stroke: #0550ae } .c1 { stroke: #bc4c00 } .c2 { stroke: #1a7f64 } .c3 { stroke: #6e7781 } .c4 { stroke: #8250df }
  .d0 { fill: #0550ae } .d1 { fill: #bc4c00 } .d2 { fill: #1a7f64 } .d3 { fill: #6e7781 } .d4 { fill: #8250df }
  @media (prefers-color-scheme: dark) {
    text { fill: #adbac7 } .title { fill: #e6edf3 }
    .page { fill: #0d1117 } .grid { stroke: #2d333b } .axis { stroke: #768390 }
    .c0 { stroke: #6cb6ff } .c1 { stroke: #f69d50 } .c2 { stroke: #57d3a8 } .c3 { stroke: #909dab } .c4 { stroke: #c297ff }
    .d0 { fill: #6cb6ff } .d1 { fill: #f69d50 } .d2 { fill: #57d3a8 } .d3 { fill: #909dab } .d4 { fill: #c297ff }
  }`;

/** The chart as SVG, with a style of its own: an image in a page knows nothing of the page's. */
export function lineChart(chart: Chart): string {
  const points = chart.lines.flatMap((line) => line.points);
  const x = scaleOf(
    points.map(([value]) => value),
    PLOT.left,
    PLOT.right,
  );
  const y = scaleOf(
    points.map(([, value]) => value),
    PLOT.bottom,
    PLOT.top,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">
<title>${escaped(chart.title)}</title>
<style>${STYLE}
</style>
<rect class="page" width="${WIDTH}" height="${HEIGHT}" rx="6"/>
<text class="title" x="${PLOT.left}" y="26">${escaped(chart.title)}</text>
${chart.lines.map((line, at) => keyOf(line, at)).join("\n")}
${x.ticks.map((tick) => columnAt(x.at(tick), tick)).join("\n")}
${y.ticks.map((tick) => rowAt(y.at(tick), tick)).join("\n")}
<path class="axis" fill="none" d="M${PLOT.left},${PLOT.top} V${PLOT.bottom} H${PLOT.right}"/>
<text x="${PLOT.right}" y="${PLOT.bottom + 38}" text-anchor="end">${escaped(chart.x)}</text>
<text x="${PLOT.left - 50}" y="${PLOT.top - 10}">${escaped(chart.y)}</text>
${chart.lines.map((line, at) => drawn(line, at, x.at, y.at)).join("\n")}
</svg>
`;
}

interface Scale {
  readonly ticks: readonly number[];
  at(value: number): number;
}

/** Logarithmic, from the last tick below the smallest value to the first above the largest. */
function scaleOf(values: readonly number[], from: number, to: number): Scale {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const all = Array.from({ length: 13 }, (_none, exponent) =>
    [1, 2, 5].map((first) => first * 10 ** (exponent - 4)),
  ).flat();
  const first = all.findLastIndex((tick) => tick <= low * 1.0001);
  const last = all.findIndex((tick) => tick >= high * 0.9999 && tick > low);
  const ticks = all.slice(Math.max(0, first), last < 0 ? all.length : last + 1);
  const [bottom, top] = [Math.log(ticks[0] ?? 1), Math.log(ticks.at(-1) ?? 10)];
  return { ticks, at: (value) => from + ((Math.log(value) - bottom) / (top - bottom)) * (to - from) };
}

/** Three names a row, above the plot. */
function keyOf({ name, kind }: Line, index: number): string {
  const [x, y] = [PLOT.left + (index % 3) * KEY_WIDTH, 46 + Math.floor(index / 3) * 18];
  return `<path class="line ${kind} c${index % 5}" d="M${x},${y - 4} h22"/><text x="${x + 28}" y="${y}">${escaped(name)}</text>`;
}

function columnAt(x: number, tick: number): string {
  const label = `<text x="${x.toFixed(1)}" y="${PLOT.bottom + 18}" text-anchor="middle">${tick.toLocaleString("en-US")}</text>`;
  return `<path class="grid" d="M${x.toFixed(1)},${PLOT.top} V${PLOT.bottom}"/>${label}`;
}

function rowAt(y: number, tick: number): string {
  const label = `<text x="${PLOT.left - 8}" y="${(y + 4).toFixed(1)}" text-anchor="end">${tick.toLocaleString("en-US")}</text>`;
  return `<path class="grid" d="M${PLOT.left},${y.toFixed(1)} H${PLOT.right}"/>${label}`;
}

function drawn({ name, kind, points }: Line, index: number, x: Scale["at"], y: Scale["at"]): string {
  const placed = points
    .toSorted(([left], [right]) => left - right)
    .map((point) => ({ point, at: `${x(point[0]).toFixed(1)},${y(point[1]).toFixed(1)}` }));
  const line = `<polyline class="line ${kind} c${index % 5}" points="${placed.map(({ at }) => at).join(" ")}"/>`;
  const dots = placed.map(({ point, at }) => {
    const [cx, cy] = at.split(",");
    const said = `${name}: ${shown(point[0])}, ${shown(point[1])}`;
    return `<circle class="d${index % 5}" cx="${cx}" cy="${cy}" r="3"><title>${escaped(said)}</title></circle>`;
  });
  return [line, ...dots].join("");
}

function shown(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: value < 10 ? 1 : 0 });
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
