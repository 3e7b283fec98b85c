import { expect, test } from "bun:test";
import { join } from "node:path";
import { slopeAnHour, table } from "../../bench/soak-report.ts";
import type { Sample } from "../../bench/soak-sample.ts";
import { shortcomings } from "../../bench/soak-verdict.ts";
import { root } from "../architecture/project-files.ts";

const FLAT: Sample = {
  minute: 0,
  startsPerSecond: 10,
  startP95Ms: 5,
  openSagas: 2,
  lag: 0,
  residentMiB: 100,
  fileDescriptors: 30,
  deadTuples: 0,
  walMiB: 16,
  walPerSagaKiB: 9,
  connections: 12,
};
const HELD = {
  rate: 10,
  seconds: 60,
  samples: 12,
  missed: 0,
  started: 600,
  refused: 0,
  dropped: 0,
  failed: 0,
  left: 0,
};

test("what grows by one each minute has a slope of 60 an hour, and what stays has none", () => {
  const samples = Array.from({ length: 30 }, (_, minute) => ({ ...FLAT, minute, residentMiB: 100 + minute }));

  expect(slopeAnHour(samples, "residentMiB")).toBeCloseTo(60, 6);
  expect(slopeAnHour(samples, "fileDescriptors")).toBeCloseTo(0, 6);
  expect(slopeAnHour([FLAT], "residentMiB")).toBe(0);
});

test("the table leaves the first third out, where caches fill", () => {
  const samples = Array.from({ length: 30 }, (_, minute) => ({ ...FLAT, minute, lag: minute < 10 ? 500 : 3 }));

  expect(table(samples)).toContain("| lag of the consumer groups, messages | 3 | 3 to 3 | 0.0 | 0.0 % |");
});

test.each([
  ["nothing was started", { started: 0 }],
  ["nobody looked at it", { samples: 0 }],
  ["1 looks at it showed nothing", { missed: 1 }],
  [
    "539 of 600 starts were accepted, less than 90 % (40 refused, 21 not sent)",
    { started: 539, refused: 40, dropped: 21 },
  ],
  ["1 calls failed", { failed: 1 }],
  ["2 sagas were still open", { left: 2 }],
])("a soak has failed when %s", (problem, change) => {
  expect(shortcomings(HELD)).toEqual([]);
  expect(shortcomings({ ...HELD, started: 540 })).toEqual([]);
  expect(shortcomings({ ...HELD, ...change })).toEqual([problem]);
});

test("a soak of three seconds holds its rate, is looked at, and leaves nothing", async () => {
  const child = Bun.spawn([process.execPath, join(root, "bench/soak.ts"), "--minutes", "0.05", "--rate", "5"], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [said, complained] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);

  expect({ code: await child.exited, said, complained }).toMatchObject({ code: 0 });
  expect(said).toMatch(/\d\d sagas accepted, 0 starts refused, 0 not sent .* 0 calls failed, 0 sagas open/);
  expect(said).toMatch(/"lag":\d+/);
  expect(said).toContain("| lag of the consumer groups, messages |");
}, 60_000);
