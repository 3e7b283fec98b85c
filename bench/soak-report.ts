import { type Sample, Sampler } from "./soak-sample.ts";

/** Of a soak's beginning, what is left out of the slopes: caches fill, plans are made. */
const WARM_UP = 1 / 3;
const [WIDTH, HEIGHT, MARGIN] = [640, 180, 40];

/** Median, span and slope of each series behind the warm-up, as a table in Markdown. */
export function table(samples: readonly Sample[]): string {
  const warm = samples.slice(Math.floor(samples.length * WARM_UP));
  const rows = Sampler.SERIES.map(({ key, title }) => {
    const sorted = warm.map((sample) => sample[key]).sort((left, right) => left - right);
    const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
    const slope = slopeAnHour(warm, key);
    const share = median === 0 ? "" : `${((slope / median) * 100).toFixed(1)} %`;
    return `| ${title} | ${median} | ${sorted[0] ?? 0} to ${sorted.at(-1) ?? 0} | ${slope.toFixed(1)} | ${share} |`;
  });
  const head = "| behind the first third | median | from … to | slope an hour | of the median |\n|---|--:|--:|--:|--:|";
  return `${head}\n${rows.join("\n")}`;
}

/** Least squares over time. */
export function slopeAnHour(samples: readonly Sample[], key: keyof Sample): number {
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const minutes = mean(samples.map(({ minute }) => minute));
  const values = mean(samples.map((sample) => sample[key]));
  const over = samples.reduce((sum, sample) => sum + (sample.minute - minutes) * (sample[key] - values), 0);
  const under = samples.reduce((sum, { minute }) => sum + (minute - minutes) ** 2, 0);
  return under === 0 ? 0 : (over / under) * 60;
}

/** One series as a line from zero, as SVG. */
export function chart(title: string, samples: readonly Sample[], key: keyof Sample): string {
  const top = Math.max(1, ...samples.map((sample) => sample[key]));
  const last = Math.max(0.01, samples.at(-1)?.minute ?? 0);
  const x = (minute: number) => MARGIN + (minute / last) * (WIDTH - 2 * MARGIN);
  const y = (value: number) => HEIGHT - MARGIN + 10 - (value / top) * (HEIGHT - MARGIN - 20);
  const points = samples.map((sample) => `${x(sample.minute).toFixed(1)},${y(sample[key]).toFixed(1)}`).join(" ");
  const text = (at: readonly [number, number], words: string, anchor = "start") =>
    `<text x="${at[0]}" y="${at[1]}" text-anchor="${anchor}">${words}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="11">
<title>${title}</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>
<path d="M${MARGIN},10 V${y(0)} H${WIDTH - MARGIN}" fill="none" stroke="#888"/>
<polyline points="${points}" fill="none" stroke="#2563eb" stroke-width="1.5"/>
${text([MARGIN - 4, 18], String(top), "end")}
${text([MARGIN - 4, y(0)], "0", "end")}
${text([WIDTH - MARGIN, HEIGHT - 12], `${last} min`, "end")}
${text([MARGIN, HEIGHT - 12], title)}
</svg>
`;
}
