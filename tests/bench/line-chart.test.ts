import { expect, test } from "bun:test";

import { type Chart, lineChart } from "../../bench/line-chart.ts";

const chart: Chart = {
  title: "Sagas <fast> & slow",
  x: "sagas in flight",
  y: "sagas a second",
  lines: [
    {
      name: "Ekiden",
      kind: "ours",
      points: [
        [150, 2_000],
        [1, 200],
      ],
    },
    { name: "floor", kind: "floor", points: [[1, 5_000]] },
  ],
};

test("a chart has a line for each side from left to right, a point for each value, and both axes with round numbers", () => {
  const svg = lineChart(chart);

  const lines = [...svg.matchAll(/<polyline class="line (\w+) c\d" points="([^"]*)"/g)].map(
    ([, kind, points = ""]) => ({
      kind,
      x: points.split(" ").map((point) => Number(point.split(",")[0])),
    }),
  );
  // 1 to 200 in flight on 680 points: 150 lies at 64 + 680 * ln 150 / ln 200.
  expect(lines).toEqual([
    { kind: "ours", x: [64, 707.1] },
    { kind: "floor", x: [64] },
  ]);
  expect([...svg.matchAll(/<circle/g)]).toHaveLength(3);
  expect(svg).toContain("<title>Ekiden: 150, 2,000</title>");
  for (const tick of ["1", "100", "200", "5,000"]) expect(svg).toContain(`>${tick}</text>`);
});

test("a chart brings its colours for light and dark, escapes its words, and holds no value that is not a number", () => {
  const svg = lineChart({ ...chart, lines: [{ name: "one", kind: "ours", points: [[7, 7]] }] });

  expect(svg).toContain("prefers-color-scheme: dark");
  expect(svg).toContain('<rect class="page"');
  expect(svg).toContain("Sagas &lt;fast&gt; &amp; slow");
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});
