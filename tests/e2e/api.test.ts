import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Client, type SagaJson } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { approvedApplication } from "../support/example.ts";

describe("the API over a running engine", () => {
  let engine: TestEngine;
  const client = new Client(() => engine.url);
  const key = () => ({ "idempotency-key": crypto.randomUUID() });

  beforeAll(async () => {
    engine = await testEngine("embedded", { domains: join(import.meta.dir, "../../domains") });
  }, 60_000);
  afterAll(async () => engine?.close(), 60_000);
  afterEach(async () => void (await client.call("POST", "/v1/consumer-groups/dispatcher/resume", { reason: "test" })));

  const weak = (number: string) => ({
    ...approvedApplication(number),
    credit: { amount: 9_000, months: 48, purpose: "car (new)" },
  });
  const waiting = async (number: string): Promise<SagaJson> => {
    const { sagaId } = await client.start("onboarding", weak(number));
    return eventually("it waits for its reviewer", async () => {
      const saga = await client.saga(sagaId);
      return saga.waitingFor === null ? undefined : saga;
    });
  };

  test("the same Idempotency-Key starts one saga, also when both calls come at once; another body under it is refused", async () => {
    const header = key();
    const calls = await Promise.all(
      [1, 2, 3].map(() => client.call("POST", "/v1/sagas/onboarding", weak("K-1"), header)),
    );

    expect(calls.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
    expect(new Set(calls.map(({ json }) => (json as SagaJson).sagaId)).size).toBe(1);
    const other = await client.call("POST", "/v1/sagas/onboarding", weak("K-2"), header);
    expect(other).toMatchObject({ status: 422, json: { code: "saga.idempotency-mismatch" } });
  });

  test("an open business key has one saga: found again with the same input, in the way with another", async () => {
    const calls = await Promise.all([1, 2, 3, 4].map(() => client.call("POST", "/v1/sagas/onboarding", weak("B-1"))));
    const ids = new Set(calls.map(({ json }) => (json as SagaJson).sagaId));
    expect(ids.size).toBe(1);
    expect(calls.filter(({ status }) => status === 201)).toHaveLength(1);
    const [open] = [...ids];

    const different = { ...weak("B-1"), credit: { amount: 9_100, months: 48, purpose: "car (new)" } };
    expect(await client.call("POST", "/v1/sagas/onboarding", different)).toMatchObject({
      status: 409,
      json: { code: "saga.key-open", sagaId: open },
    });
    expect(await client.call("POST", "/v1/sagas/onboarding?duplicate=reject", weak("B-1"))).toMatchObject({
      status: 409,
    });
    await client.ok("POST", `/v1/sagas/${open}/cancel`, { reason: "test" });
    expect(await client.settled(open as string)).toMatchObject({ status: "cancelled" });
    expect((await client.start("onboarding", weak("B-1"))).sagaId).not.toBe(open as string);
  });

  test("input that does not fit is refused with the place of every fault, and nothing is started", async () => {
    const before = await engine.sql`select count(*) as n from timeline.saga`;
    const bad = {
      ...approvedApplication("I-1"),
      applicant: { name: "", email: "x@example.jp", age: 12, housing: "castle" },
      extra: 1,
    };
    const answer = await client.call("POST", "/v1/sagas/onboarding", bad);

    expect(answer).toMatchObject({ status: 422, json: { code: "saga.input-invalid" } });
    const pointers = (answer.json as { errors: { pointer: string }[] }).errors.map(({ pointer }) => pointer);
    expect(pointers).toEqual(
      expect.arrayContaining(["/applicant/age", "/applicant/housing", "/applicant/job", "/extra"]),
    );
    expect(await client.call("POST", "/v1/sagas/unheard_of", {})).toMatchObject({
      status: 404,
      json: { code: "saga.unknown-definition" },
    });
    expect(await engine.sql`select count(*) as n from timeline.saga`).toEqual(before);
  });

  test("lists find a saga by key, label and status, and mask what is sensitive", async () => {
    const { sagaId } = await waiting("L-1");
    const find = async (query: string) =>
      ((await client.ok("GET", `/v1/sagas?${query}`)) as { items: SagaJson[] }).items.map((saga) => saga.sagaId);

    expect(await find("key=L-1")).toEqual([sagaId]);
    expect(await find("status=running&definition=onboarding&key=L-1")).toEqual([sagaId]);
    expect(await find(`label.purpose=${encodeURIComponent("car (new)")}&limit=200`)).toContain(sagaId);
    expect(await find("status=completed&key=L-1")).toEqual([]);
    const text =
      JSON.stringify((await client.call("GET", `/v1/sagas/${sagaId}`)).json) +
      JSON.stringify((await client.call("GET", `/v1/sagas/${sagaId}/timeline`)).json);
    expect(text).not.toContain("Hanako");
    expect(text).not.toContain("hanako.sato");
  });

  test("the timeline of a saga says who asked and who consumed, in order", async () => {
    const saga = await client.start("onboarding", approvedApplication("T-1"), "?wait=30s");
    const { items } = (await client.ok("GET", `/v1/sagas/${saga.sagaId}/timeline`)) as {
      items: Record<string, unknown>[];
    };

    expect(items.map((item) => item["type"])).toEqual([
      "saga.started",
      "step.requested",
      "step.succeeded",
      "step.requested",
      "step.succeeded",
      "step.requested",
      "step.succeeded",
      "step.requested",
      "step.requested",
      "step.succeeded",
      "saga.completed",
    ]);
  });

  test("while the dispatcher is paused requests are recorded, and applied in order afterwards", async () => {
    const running = await waiting("P-0");
    await client.ok("POST", "/v1/consumer-groups/dispatcher/pause", { reason: "test" });
    const started = await client.call("POST", "/v1/sagas/onboarding", weak("P-1"));
    expect(started).toMatchObject({ status: 201, json: { status: "running", steps: [] } });
    const { sagaId } = started.json as SagaJson;
    expect(await client.call("POST", `/v1/sagas/${sagaId}/cancel`, { reason: "at once" })).toMatchObject({
      status: 202,
      json: { applied: false },
    });
    const signal = await client.call("POST", `/v1/sagas/${running.sagaId}/signals/screening_reviewed`, {
      decision: "reject",
      reviewer: "Sato",
    });
    expect(signal).toMatchObject({ status: 202, json: { applied: false, status: "running" } });
    expect(await engine.sql`select sequence from timeline.saga where id = ${sagaId}`).toEqual([
      { sequence: 0 },
    ] as never);
    // How long the oldest of them has been waiting, and for whom.
    const group = await client.ok("GET", "/v1/consumer-groups/dispatcher");
    expect(group).toMatchObject({
      lagSeconds: expect.any(Number),
      partitions: [{ topic: "timeline", owner: expect.stringMatching(/^.+\/\d+$/) }],
    });

    await client.ok("POST", "/v1/consumer-groups/dispatcher/resume", { reason: "test" });
    expect(await client.settled(sagaId)).toMatchObject({ status: "cancelled" });
    const { lag, lagSeconds } = await eventually("nothing waits", async () => {
      const read = (await client.ok("GET", "/v1/consumer-groups/dispatcher")) as { lag: number; lagSeconds: number };
      return read.lag === 0 && read;
    });
    expect({ lag, lagSeconds }).toEqual({ lag: 0, lagSeconds: null } as never);
    expect(await client.settled(running.sagaId)).toMatchObject({
      status: "failed",
      error: { code: "review_rejected" },
    });
    expect(await engine.sql`select unapplied from timeline.saga where id in (${sagaId}, ${running.sagaId})`).toEqual([
      { unapplied: 0 },
      { unapplied: 0 },
    ] as never);
    const sequences = await engine.sql<{ sequence: number }[]>`
      select sequence from timeline.event_consumption where correlation_id = ${sagaId} and sequence is not null order by sequence
    `;
    expect(sequences.map((row) => row.sequence)).toEqual(sequences.map((_row, index) => index + 1));
  });

  test("a message that is done can be sent again, and nothing happens twice", async () => {
    const saga = await client.start("onboarding", approvedApplication("R-1"), "?wait=30s");
    const [command] =
      await engine.sql`select message_id from timeline.event_request where correlation_id = ${saga.sagaId} and topic = 'contract.conclude'`;
    const answer = await client.call("POST", `/v1/messages/${command?.["message_id"]}/redrive`, { reason: "test" });
    expect(answer.status).toBe(202);
    expect(answer.json).toMatchObject({ doneBy: ["contract"], settled: true });
    await eventually("it travelled again", async () => {
      const rows =
        await engine.sql`select count(*)::int as n from timeline.topic_log where message_id = ${command?.["message_id"]}`;
      return rows[0]?.["n"] === 2;
    });
    await eventually(
      "it is read",
      async () => ((await client.ok("GET", "/v1/consumer-groups/contract")) as { lag: number }).lag === 0,
    );

    expect(
      await engine.sql`select count(*)::int as n from contract.contract where step_key = ${`${saga.sagaId}/contract`}`,
    ).toEqual([{ n: 1 }] as never);
    const audit = await engine.sql`select action, reason from timeline.audit where target = ${command?.["message_id"]}`;
    expect(audit).toEqual([{ action: "message.redrive", reason: "test" }] as never);
  });

  test("definitions are shown and checked as data; the OpenAPI document and the reference are served", async () => {
    expect(await client.call("GET", "/v1/definitions/onboarding")).toMatchObject({
      status: 200,
      json: { name: "onboarding", version: 1 },
    });
    const response = await fetch(`${engine.url}/v1/definitions/validate`, {
      method: "POST",
      headers: { "content-type": "text/yaml" },
      body: "saga: x\nversion: 1\nsteps:\n  - step: a\n    comand: contract.conclude\n",
    });
    const found = (await response.json()) as { line: number; column: number; message: string; hint: string }[];
    expect(response.status).toBe(200);
    expect(found[0]).toMatchObject({ severity: "error", line: 5, column: 5 } as never);
    expect(JSON.stringify(found)).toContain("command");
    expect((await client.ok("GET", "/openapi.json")) as object).toMatchObject({ openapi: "3.1.0" });
    expect((await fetch(`${engine.url}/docs`)).status).toBe(200);
    expect((await client.call("GET", "/health/live")).status).toBe(200);
    expect(await client.call("GET", "/health/ready")).toMatchObject({ status: 200, json: { ready: true } });
  });
});
