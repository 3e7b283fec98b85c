import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newId } from "../../engine/timeline/ids.ts";
import { Client } from "../support/client.ts";
import { cliProcess } from "../support/cli-process.ts";
import { type TestEngine, testEngine } from "../support/engine.ts";
import { expectVerified } from "../support/verified.ts";

describe("verification", () => {
  let engine: TestEngine;
  let sagaId: string;
  const client = new Client(() => engine.url);
  const verified = async (query = "") => (await client.call("GET", `/v1/verify${query}`)).json as object;
  /** Runs with rows changed behind the engine's back, and puts them back. */
  const tampered = async (change: string, look: () => Promise<void>) => {
    await engine.sql`create table kept_saga as select * from timeline.saga`;
    await engine.sql`create table kept_step as select * from timeline.saga_step`;
    try {
      await engine.sql.unsafe(change);
      await look();
    } finally {
      await engine.sql`delete from timeline.saga_step`;
      await engine.sql`insert into timeline.saga_step select * from kept_step`;
      await engine.sql`delete from timeline.saga`;
      await engine.sql`insert into timeline.saga select * from kept_saga`;
      await engine.sql`drop table kept_saga, kept_step`;
    }
  };

  beforeAll(async () => {
    engine = await testEngine("embedded");
    ({ sagaId } = await client.start("three", { note: "verified" }, "?wait=30s"));
    await client.start("waiting", { note: "verified", patience: "long" });
    await client.start("three", { note: "the last" }, "?wait=30s");
  }, 120_000);
  afterAll(async () => engine?.close(), 60_000);

  test("finds nothing where nothing was touched, page by page and one by one", async () => {
    await expectVerified(engine.url);
    expect(await verified("?limit=1")).toMatchObject({ checked: 1, nextCursor: expect.any(String) });
    expect(await verified(`?saga=${sagaId}`)).toEqual({
      checked: 1,
      differences: [],
      unverifiable: [],
      share: 1,
      nextCursor: null,
    });
    expect(await verified(`?saga=${newId()}`)).toMatchObject({ code: "saga.unknown" });
    const run = cliProcess(["verify", "--parallel", "2"], engine.url);
    expect([await run.ended, run.errors()]).toEqual([0, ""]);
    expect(run.lines()).toEqual(["3 sagas: 3 are what their events make of them, 0 differ, 0 cannot be verified"]);
  }, 60_000);

  test("finds a status, an output, a part of the state and a step that was changed, or taken away, or put in", async () => {
    const fields = async (change: string) => {
      let found: unknown[] = [];
      await tampered(change, async () => {
        const { differences } = (await verified(`?saga=${sagaId}`)) as {
          differences: { field: string; folded: string; stored: string }[];
        };
        found = differences.map(({ field, folded, stored }) => [field, folded, stored]);
      });
      return found;
    };
    const saga = `update timeline.saga set`;
    const step = `update timeline.saga_step set`;
    expect(await fields(`${saga} status = 'failed'`)).toEqual([["status", '"completed"', '"failed"']]);
    expect(await fields(`${saga} key = 'forged' where id = '${sagaId}'`)).toEqual([["key", '"verified"', '"forged"']]);
    expect(await fields(`${saga} labels = labels || '{"forged": "yes"}'`)).toEqual([
      ["labels.forged", "null", '"yes"'],
    ]);
    expect(await fields(`${saga} output = '{"note": "forged"}'`)).toEqual([
      ["output.note", '"two of one of verified"', '"forged"'],
    ]);
    expect(await fields(`${saga} state = jsonb_set(state, '{pivotPassed}', 'true')`)).toEqual([
      ["state.pivotPassed", "false", "true"],
    ]);
    expect(await fields(`${step} attempts = 7 where path = 'second'`)).toEqual([["steps.second.attempts", "1", "7"]]);
    expect(await fields(`delete from timeline.saga_step where path = 'third'`)).toEqual([
      ["steps.third", expect.stringContaining('"status":"succeeded"'), "null"],
    ]);
    expect(
      await fields(
        `insert into timeline.saga_step (saga_id, path, status) values ('${sagaId}', 'fourth', 'succeeded')`,
      ),
    ).toEqual([["steps.fourth", "null", expect.stringContaining('"status":"succeeded"')]]);
  }, 60_000);

  test("the command ends with 1 and says the first difference in words", async () => {
    await tampered(
      `update timeline.saga_step set status = 'failed' where path = 'first' and saga_id = '${sagaId}'`,
      async () => {
        const run = cliProcess(["verify"], engine.url);
        expect(await run.ended).toBe(1);
        expect(run.lines()).toEqual(["3 sagas: 2 are what their events make of them, 1 differ, 0 cannot be verified"]);
        expect(run.errors()).toMatch(
          new RegExp(
            `^saga ${sagaId} \\(three\\): steps.first.status is "failed", but its events make it "succeeded", after event \\w{26}\n$`,
          ),
        );
      },
    );
  }, 60_000);

  test("an event that does not do what is recorded of it is a difference; what cannot be folded is told with its reason", async () => {
    const body = engine.sql.json({ code: "forged", message: "forged" });
    await engine.sql`
      update timeline.event_request set message_type = 'step.rejected', message_body = ${body}
      where correlation_id = ${sagaId} and message_type = 'step.succeeded' and step_key like '%/first'
    `;
    const { differences } = (await verified(`?saga=${sagaId}`)) as { differences: { field: string }[] };
    expect(differences.length).toBeGreaterThan(0);
    await engine.sql`update timeline.event_consumption set semantics = 1 where correlation_id = ${sagaId} and sequence = 1`;
    expect(await verified(`?saga=${sagaId}`)).toMatchObject({
      differences: [],
      unverifiable: [{ sagaId, reason: expect.stringContaining("made by semantics 1") }],
    });
    await engine.sql`delete from timeline.event_consumption where correlation_id = ${sagaId} and sequence = 1`;
    expect(await verified(`?saga=${sagaId}`)).toMatchObject({
      unverifiable: [{ sagaId, reason: "transition 1 is not in the event store" }],
    });
    await engine.sql`update timeline.saga set revision = 'gone' where id = ${sagaId}`;
    expect(await verified(`?saga=${sagaId}`)).toMatchObject({
      unverifiable: [{ sagaId, reason: expect.stringContaining("is not in the store") }],
    });
  }, 60_000);
});
