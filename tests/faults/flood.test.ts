import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { root } from "../architecture/project-files.ts";
import { type TestEngine, testEngine } from "../support/engine.ts";
import { flood } from "../support/flood.ts";

const STARTS = 4_000;
/** Idle it is below 150 MiB; what the bounds allow beyond it stays below this. */
const MEMORY_MAX_MIB = 512;

test("more starts than may wait are answered 503 with Retry-After, each is accepted once, and others are served meanwhile", async () => {
  const { client, memory, reads, badReads, sagas, completed } = await flood(STARTS, STARTS);
  expect(client.others).toEqual([]);
  expect(client.busy).toBeGreaterThan(0);
  expect(client.withoutRetryAfter).toBe(0);
  expect(client.created + client.again).toBe(STARTS);
  expect([sagas, completed]).toEqual([STARTS, STARTS]);
  expect(badReads).toEqual([]);
  expect(reads).toBeGreaterThan(10);
  expect(Math.max(...memory)).toBeLessThan(MEMORY_MAX_MIB);
}, 240_000);

interface Load {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly now: number;
  readonly limit: number;
  readonly hits: number;
}

let lab: TestEngine;
beforeAll(async () => {
  lab = await testEngine("embedded");
}, 120_000);
afterAll(async () => lab?.close(), 60_000);

test("readiness shows every bound, and the page for the person on call lists the same with the same limits", async () => {
  const { load } = (await (await fetch(`${lab.url}/health/ready`)).json()) as { load: readonly Load[] };
  const page = await Bun.file(join(root, "docs/OPERATIONS.md")).text();
  const listed = new Map(
    [...page.matchAll(/^\| `(ekiden_\w+)` \| ([^|]+) \|/gm)].map(([, name = "", limit = ""]) => [
      name,
      [...limit.matchAll(/[\d,]+/g)].map(([number]) => Number(number.replaceAll(",", ""))),
    ]),
  );
  expect(new Set(load.map(({ name }) => name))).toEqual(new Set(listed.keys()));
  const wrong = load.filter(({ name, limit }) => !listed.get(name)?.includes(limit));
  expect(wrong).toEqual([]);
  expect(load.filter(({ now, limit }) => now > limit)).toEqual([]);
});
