import { afterAll, beforeAll, expect, test } from "bun:test";

import { ekiden } from "../cli/run-cli.ts";
import { Client } from "../support/client.ts";
import { eventually, LAB, type TestEngine, testEngine } from "../support/engine.ts";

interface Report {
  readonly findings: readonly { readonly check: string; readonly level: string; readonly detail: string }[];
}

let t: TestEngine;

beforeAll(async () => {
  t = await testEngine("embedded");
}, 120_000);

afterAll(() => t?.close(), 60_000);

async function fromOutside(): Promise<Report["findings"]> {
  const { out, err } = await ekiden(["doctor", "--json"], {
    DATABASE_URL: t.engine.databaseUrl,
    EKIDEN_DOMAINS: LAB,
    EKIDEN_HOME: "no-such-home",
    EKIDEN_URL: t.url,
  });
  if (out === "") throw new Error(err);
  return (JSON.parse(out) as Report).findings;
}

async function fromInside(): Promise<Report["findings"]> {
  return ((await new Client(() => t.url).ok("GET", "/v1/doctor")) as Report).findings;
}

const checksOf = (findings: Report["findings"]) => findings.map(({ check }) => check).toSorted();

test("the doctor of the command line and the engine's own make the same checks", async () => {
  const [outside, inside] = await eventually("a heartbeat came through", async () => {
    const found = [await fromOutside(), await fromInside()] as const;
    return found.flat().every(({ level, check }) => level === "ok" || check === "privileges") ? found : undefined;
  });
  expect(checksOf(inside)).toEqual(checksOf(outside));
  for (const check of ["configuration", "engine", "transport", "auditor", "consumer dispatcher", "consumer lab", "lag"])
    expect(checksOf(inside)).toContain(check);
}, 60_000);

test("a part that is not well is named in both, and no other line is lost", async () => {
  const sound = checksOf(await fromInside());
  await t.sql`alter table timeline.heartbeat_trip rename to heartbeat_away`;
  try {
    for (const look of [fromOutside, fromInside]) {
      const findings = await look();
      expect(findings.find(({ check }) => check === "engine")).toMatchObject({
        level: "red",
        detail: "not ready: heartbeat",
      });
      expect(sound.filter((check) => check.startsWith("consumer"))).toEqual(
        checksOf(findings).filter((check) => check.startsWith("consumer")),
      );
    }
  } finally {
    await t.sql`alter table timeline.heartbeat_away rename to heartbeat_trip`;
  }
}, 60_000);
