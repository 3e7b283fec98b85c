import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine, TRANSPORTS } from "../support/engine.ts";
import { approvedApplication } from "../support/example.ts";

describe.each([...TRANSPORTS])("application.standing on the %s transport", (kind) => {
  let engine: TestEngine;
  const client = new Client(() => engine.url);
  const standing = () =>
    engine.sql`select saga_id, application_no, standing, why, since_at, started_at from application.standing order by application_no`;

  beforeAll(async () => {
    engine = await testEngine(kind, { domains: join(import.meta.dir, "../../domains") });
  }, 120_000);
  afterAll(async () => engine?.close(), 60_000);

  test("is kept from the timeline, catches up after a stop, and a rebuild gives the same rows", async () => {
    await client.start("onboarding", approvedApplication("A-1"), "?wait=30s");
    await eventually("A-1 stands there", async () => (await standing())[0]?.["standing"] === "completed");

    await client.ok("POST", "/v1/consumer-groups/application.standing/pause", { reason: "test" });
    await client.start("onboarding", approvedApplication("A-2"), "?wait=30s");
    const weak = { ...approvedApplication("A-3"), credit: { amount: 9_000, months: 48, purpose: "car (new)" } };
    const { sagaId } = await client.start("onboarding", weak);
    await eventually("the review waits", async () => (await client.saga(sagaId)).waitingFor !== null);
    expect(await standing()).toHaveLength(1);
    await client.ok("POST", "/v1/consumer-groups/application.standing/resume", { reason: "test" });
    const kept = await eventually("all three stand there", async () => {
      const rows = await standing();
      return rows.length === 3 && rows[2]?.["standing"] === "in_review" ? rows : undefined;
    });

    expect(await engine.engine.rebuild("application.standing")).toBeGreaterThan(10);
    expect(await standing()).toEqual(kept);
    await client.start("onboarding", approvedApplication("A-4"), "?wait=30s");
    await eventually("it goes on after the rebuild", async () => (await standing()).length === 4);
  }, 120_000);
});
