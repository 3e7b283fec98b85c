import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { newId } from "../../engine/timeline/ids.ts";
import { Client } from "../support/client.ts";
import { cliProcess } from "../support/cli-process.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { approvedApplication } from "../support/example.ts";

describe("a rebuild of a projection", () => {
  let engine: TestEngine;
  const client = new Client(() => engine.url);
  const standing = async () =>
    (
      await engine.sql`select saga_id, application_no, standing, why, since_at, started_at, facts from application.standing order by saga_id`
    ).map((row) => ({ ...row }));
  const rows = async () =>
    (await engine.sql<{ n: number }[]>`select count(*)::integer as n from application.standing`)[0]?.n ?? 0;

  beforeAll(async () => {
    engine = await testEngine("embedded", { domains: join(import.meta.dir, "../../domains") });
    const inputs = Array.from({ length: 40 }, (_, n) => approvedApplication(`A-${n}`));
    await Promise.all(inputs.map((input) => client.start("onboarding", input, "?wait=60s")));
    await eventually(
      "all are completed",
      async () => (await standing()).filter((row) => row["standing"] === "completed").length === 40,
    );
  }, 120_000);
  afterAll(async () => engine?.close(), 60_000);

  test("is never seen half-built, while events go on coming, and gives the same rows", async () => {
    const before = await standing();
    let reading = true;
    let least = Number.POSITIVE_INFINITY;
    const reader = (async () => {
      for (let seen = await rows(); reading; seen = await rows()) least = Math.min(least, seen);
    })();
    const run = cliProcess(["rebuild", "application.standing", "--reason", "test"], engine.url);
    for (let n = 0; n < 5; n += 1) await client.start("onboarding", approvedApplication(`B-${n}`), "?wait=60s");
    expect(await run.ended).toBe(0);
    expect(run.lines()[0]).toMatch(/^application\.standing is rebuilt: \d+ events$/);
    reading = false;
    await reader;
    expect(least).toBeGreaterThanOrEqual(40);
    await eventually(
      "the new ones stand there",
      async () => (await standing()).filter((row) => row["standing"] === "completed").length === 45,
    );
    expect((await standing()).filter((row) => before.some(({ saga_id }) => saga_id === row["saga_id"]))).toEqual(
      before,
    );
    const [audit] =
      await engine.sql`select actor, target, reason from timeline.audit where action = 'projection.rebuild'`;
    expect(audit).toEqual({ actor: "local", target: "application.standing", reason: "test" });
    expect(
      await engine.sql`select from pg_tables where schemaname = 'application' and tablename like 'rebuild%'`,
    ).toHaveLength(0);
  }, 120_000);

  test("mends rows that are wrong; one whose process was killed has changed nothing, and begins anew", async () => {
    const before = await standing();
    await engine.sql`update application.standing set why = 'forged'`;
    // As it is left by a process that was killed in the middle: a lease that has run out.
    await engine.sql`
      insert into timeline.projection_rebuild (id, consumer_group, actor, reason, taken_by, taken_until, events)
      values (${newId()}, 'application.standing', 'local', 'test', 'gone', clock_timestamp() - interval '1 second', 7)
    `;
    await eventually("it is done", async () => {
      const { state } = (await client.ok("GET", "/v1/projections/application.standing/rebuild")) as { state: string };
      return state === "done";
    });
    expect(await standing()).toEqual(before);
  }, 60_000);

  test("of what is no projection is refused", async () => {
    const refused = async (group: string) =>
      (await client.call("POST", `/v1/projections/${group}/rebuild`, { reason: "test" })).json as { code: string };
    expect((await refused("application")).code).toBe("group.unknown");
    expect((await refused("application.none")).code).toBe("group.unknown");
    expect((await client.call("POST", "/v1/projections/application.standing/rebuild", {})).status).toBe(422);
  });
});
