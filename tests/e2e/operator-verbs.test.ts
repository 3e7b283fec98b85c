import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FatalError, rejected } from "ekiden";
import { ekiden } from "../cli/run-cli.ts";
import { Client, type SagaJson } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { behave, calls, calm } from "../support/lab/lab/behaviour.ts";

const REASON = "the clerk has done it";
const GONE = () => {
  throw new FatalError("gone");
};

let lab: TestEngine;
const client = new Client(() => lab.url);

beforeAll(async () => {
  lab = await testEngine("embedded");
}, 120_000);
afterEach(calm);
afterAll(async () => lab?.close(), 60_000);

const verb = (sagaId: string, name: string, body: object, headers: Record<string, string> = {}) =>
  client.call("POST", `/v1/sagas/${sagaId}/${name}`, { reason: REASON, ...body }, headers);

const guardOf = async (sagaId: string, path: string) => {
  const [row] = await lab.sql<{ state: string; output: unknown }[]>`
    select state, output from timeline.step_guard where step_key = ${`${sagaId}/${path}`}
  `;
  return row;
};

const auditOf = async (sagaId: string) =>
  (
    await lab.sql<{ action: string; reason: string }[]>`
      select action, reason from timeline.audit where target = ${sagaId} order by at
    `
  ).map(({ action, reason }) => `${action}: ${reason}`);

const callsOf = (sagaId: string, action: string) =>
  calls.filter((call) => call.sagaId === sagaId && call.action === action).length;

const childOf = (sagaId: string) =>
  eventually("the child is there", async () => {
    const [row] = await lab.sql<{ id: string }[]>`select id from timeline.saga where parent_id = ${sagaId}`;
    return row?.id;
  });

/** The newest parked saga of a definition; undefined: none is parked. */
async function newestParked(definition: string): Promise<string | undefined> {
  const { items } = (await client.ok("GET", "/v1/parked")) as { items: { definition: string; newestSagaId: string }[] };
  return items.find((group) => group.definition === definition)?.newestSagaId;
}

/** Puts the participant back to the beginning and waits until it has caught up. */
async function rewindLab(): Promise<void> {
  await client.ok("POST", "/v1/consumer-groups/lab/rewind", { timestamp: "2020-01-01T00:00:00Z", reason: "again" });
  await eventually("the participant has caught up", async () => {
    const group = await client.ok("GET", "/v1/consumer-groups/lab");
    return (group as { lag: number }).lag === 0;
  });
}

/** A saga that is parked at its second step. */
async function parked(definition: string, note: string): Promise<SagaJson> {
  behave("two", "*", GONE);
  const { sagaId } = await client.start(definition, { note });
  const saga = await client.settled(sagaId);
  expect([saga.status, saga.error?.step]).toEqual(["parked", "second"]);
  calm();
  return saga;
}

describe("skip", () => {
  test("leaves a parked step out, once for one key, with an audit row, and no rewind runs it", async () => {
    const { sagaId } = await parked("patient", "skipped");
    const key = { "idempotency-key": `skip-${sagaId}` };
    const first = await verb(sagaId, "skip", { step: "second" }, key);
    const again = await verb(sagaId, "skip", { step: "second" }, key);

    expect([first.status, again.status, again.json]).toEqual([202, 202, first.json]);
    expect(first.json).toMatchObject({ sagaId, status: "running", applied: true });
    expect(await client.settled(sagaId)).toMatchObject({ status: "completed", uncompensated: [] });
    expect([(await guardOf(sagaId, "second"))?.state, await auditOf(sagaId)]).toEqual([
      "closed",
      [`saga.skip: ${REASON}`],
    ]);
    const before = callsOf(sagaId, "two");
    await rewindLab();
    expect(callsOf(sagaId, "two")).toBe(before);
  }, 60_000);

  test("leaves a parked compensation out and lists it", async () => {
    behave("three", "*", () => rejected("no", "on purpose"));
    behave("undo", "*", (context) => (context.compensates?.stepKey.endsWith("/second") ? GONE() : undefined));
    const { sagaId } = await client.start("three", { note: "undo skipped" });
    expect(await client.settled(sagaId)).toMatchObject({ status: "parked", error: { step: "second", code: "fatal" } });

    expect((await verb(sagaId, "skip", { step: "second" })).status).toBe(202);
    expect(await client.settled(sagaId)).toMatchObject({
      status: "failed",
      uncompensated: [{ step: "second", reason: `its compensation was skipped: ${REASON}` }],
    });
    expect((await guardOf(sagaId, "second"))?.state).toBe("kept");
  }, 60_000);

  test("is refused where nothing is parked, where there is nothing, and at a pivot", async () => {
    const { sagaId } = await parked("pivoted", "refused");
    const codes = [];
    for (const step of ["first", "nowhere", "second"]) {
      const { status, json } = await verb(sagaId, "skip", { step });
      codes.push([status, (json as { code: string }).code]);
    }

    expect(codes).toEqual([
      [409, "saga.not-parked"],
      [422, "saga.unknown-step"],
      [409, "saga.pivot-skipped"],
    ]);
    expect((await verb(sagaId, "skip", { step: "first" })).json).toMatchObject({
      hint: "Parked: second. GET /v1/sagas/{id} shows where it stands.",
    });
    expect(await client.saga(sagaId)).toMatchObject({ status: "parked" });
    expect(await auditOf(sagaId)).toEqual([]);
    expect((await verb(sagaId, "skip", { step: "second", reason: " " })).status).toBe(422);
  }, 60_000);

  test("is only recorded while the dispatcher is paused, and applied in its turn", async () => {
    const { sagaId } = await parked("patient", "paused");
    await client.ok("POST", "/v1/consumer-groups/dispatcher/pause", { reason: "test" });
    const { json } = await verb(sagaId, "skip", { step: "second" });
    expect(json).toMatchObject({ status: "parked", applied: false });
    expect((await client.saga(sagaId)).status).toBe("parked");
    await client.ok("POST", "/v1/consumer-groups/dispatcher/resume", { reason: "test" });

    await eventually("it was applied", async () => (await client.saga(sagaId)).status === "completed");
  }, 60_000);

  test("recorded while the dispatcher is paused, and without effect: the message says why, and is no error", async () => {
    const { sagaId } = await parked("pivoted", "paused in vain");
    await client.ok("POST", "/v1/consumer-groups/dispatcher/pause", { reason: "test" });
    const asked = [
      await verb(sagaId, "skip", { step: "second" }),
      await verb(sagaId, "retry", { step: "first" }),
      await verb(sagaId, "terminate", {}),
      await verb(sagaId, "terminate", {}),
    ];
    expect(asked.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
    await client.ok("POST", "/v1/consumer-groups/dispatcher/resume", { reason: "test" });

    const told = () =>
      Promise.all(
        asked.map(async ({ json }) => {
          const { messageId } = json as { messageId: string };
          const message = await client.ok("GET", `/v1/messages/${messageId}`);
          const { consumptions } = message as { consumptions: { error: boolean; errorCode: string | null }[] };
          return consumptions.map(({ error, errorCode }) => [error, errorCode]);
        }),
      );
    await eventually("all are consumed", async () => (await told()).every(({ length }) => length === 1));
    expect(await told()).toEqual([
      [[false, "saga.pivot-skipped"]],
      [[false, "saga.not-parked"]],
      [[false, null]],
      [[false, "saga.final"]],
    ]);
  }, 60_000);
});

describe("resolve", () => {
  test("gives a parked step its result, which must fit its handler's schema", async () => {
    const { sagaId } = await parked("three", "resolved");
    const wrong = await verb(sagaId, "resolve", { step: "second", result: { note: 5 } });
    expect([wrong.status, wrong.json]).toMatchObject([
      422,
      { code: "saga.result-invalid", errors: [{ pointer: "/result/note" }] },
    ]);

    expect((await verb(sagaId, "resolve", { step: "second", result: { note: "by hand" } })).status).toBe(202);
    expect(await client.settled(sagaId)).toMatchObject({ status: "completed", output: { note: "by hand" } });
    expect([await guardOf(sagaId, "second"), await auditOf(sagaId)]).toEqual([
      { state: "done", output: { note: "by hand" } },
      [`saga.resolve: ${REASON}`],
    ]);
  }, 60_000);

  test("passes a pivot, and what follows goes on", async () => {
    const { sagaId } = await parked("pivoted", "pivot resolved");
    expect((await verb(sagaId, "resolve", { step: "second", result: { note: "by hand" } })).status).toBe(202);

    expect(await client.settled(sagaId)).toMatchObject({ status: "completed" });
    expect((await client.call("POST", `/v1/sagas/${sagaId}/cancel`, { reason: REASON })).status).toBe(409);
  }, 60_000);

  test("says that a compensation was carried out: from the command line, with the result in a file", async () => {
    behave("three", "*", () => rejected("no", "on purpose"));
    behave("undo", "*", (context) => (context.compensates?.stepKey.endsWith("/second") ? GONE() : undefined));
    const { sagaId } = await client.start("three", { note: "undo resolved" });
    expect((await client.settled(sagaId)).status).toBe("parked");
    const folder = mkdtempSync(join(tmpdir(), "ekiden-verbs-"));
    try {
      const file = join(folder, "result.json");
      writeFileSync(file, '{"receipt":7}');
      const args = ["resolve", sagaId, "--step", "second", "--result", `@${file}`, "--reason", REASON, "--json"];
      const { code, out } = await ekiden(args, { EKIDEN_URL: lab.url });

      expect([code, JSON.parse(out)]).toMatchObject([0, { sagaId, applied: true }]);
    } finally {
      rmSync(folder, { recursive: true });
    }
    expect(await client.settled(sagaId)).toMatchObject({ status: "failed", uncompensated: [] });
    const [guard] = await lab.sql`
      select state, compensation_output from timeline.step_guard where step_key = ${`${sagaId}/second`}
    `;
    expect({ ...guard }).toEqual({ state: "compensated", compensation_output: { receipt: 7 } });
  }, 60_000);
});

describe("terminate", () => {
  test("stops a saga whose handler runs: it ends, and is not run again when it fails", async () => {
    let goOn = () => {};
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    behave("two", "*", async () => {
      await gate;
      throw new Error("after all");
    });
    const { sagaId } = await client.start("patient", { note: "terminated" });
    await eventually("the handler runs", async () => callsOf(sagaId, "two") > 0);
    const { json } = await verb(sagaId, "terminate", {});
    expect(json).toMatchObject({ status: "terminated", applied: true });
    goOn();

    await eventually("its guard is closed", async () => (await guardOf(sagaId, "second"))?.state === "closed");
    calm();
    const before = callsOf(sagaId, "two");
    await rewindLab();
    expect([callsOf(sagaId, "two"), callsOf(sagaId, "three")]).toEqual([before, 0]);
    const saga = await client.saga(sagaId);
    expect(saga).toMatchObject({ status: "terminated", error: { code: "terminated", message: REASON } });
    expect(saga.steps.map(({ path, status }) => `${path} ${status}`)).toEqual(["first succeeded", "second closed"]);
    await eventually("no timer is left", async () => {
      return (await lab.sql`select from timeline.timer where saga_id = ${sagaId}`).length === 0;
    });
    expect((await verb(sagaId, "terminate", {})).json).toMatchObject({ code: "saga.final" });
    expect(await auditOf(sagaId)).toEqual([`saga.terminate: ${REASON}`]);
  }, 60_000);

  test("closes a notification that has failed: a rewind does not run it again", async () => {
    behave("tell", "*", GONE);
    const { sagaId } = await client.start("notified", { note: "told" });
    await eventually("it has failed", async () => {
      const rows = await lab.sql`
        select from timeline.event_consumption where correlation_id = ${sagaId} and consumer_group = 'lab' and error_flag
      `;
      return rows.length > 0;
    });
    calm();
    expect((await verb(sagaId, "terminate", {})).status).toBe(202);
    expect((await guardOf(sagaId, "told"))?.state).toBe("closed");
    const before = callsOf(sagaId, "tell");
    await rewindLab();
    expect(callsOf(sagaId, "tell")).toBe(before);
  }, 60_000);

  test("of a parked child parks its parent, which goes on without it when it is skipped there", async () => {
    behave("two", "*", GONE);
    const { sagaId } = await client.start("family", { note: "child terminated", child: "kid" });
    const child = await childOf(sagaId);
    expect((await client.settled(child)).status).toBe("parked");
    calm();
    const args = ["terminate", child, "--reason", REASON];
    const { code, out } = await ekiden(args, { EKIDEN_URL: lab.url });
    expect([code, out.startsWith(`${child}  terminated  message `)]).toEqual([0, true]);

    const path = "choose1/kid/kid";
    expect(await client.settled(sagaId)).toMatchObject({ status: "parked", error: { code: "child.terminated" } });
    expect((await verb(sagaId, "skip", { step: path })).status).toBe(202);
    expect(await client.settled(sagaId)).toMatchObject({
      status: "completed",
      output: { kid: "none" },
      uncompensated: [{ step: path, reason: "its child saga was terminated" }],
    });
  }, 60_000);

  test("of a parent terminates its open child", async () => {
    behave("two", "*", GONE);
    const { sagaId } = await client.start("family", { note: "parent terminated", child: "kid" });
    const child = await childOf(sagaId);
    expect((await client.settled(child)).status).toBe("parked");
    expect((await verb(sagaId, "terminate", {})).json).toMatchObject({ status: "terminated" });

    await eventually("the child has ended", async () => (await client.saga(child)).status === "terminated");
    expect((await client.saga(sagaId)).status).toBe("terminated");
  }, 60_000);
});

test("a completed child that cannot be taken back is helped on by a skip, and its parent lists it", async () => {
  behave("three", "*", () => rejected("no", "on purpose"));
  behave("undo", "*", (context) => (context.saga === "kid" ? GONE() : undefined));
  const { sagaId } = await client.start("family", { note: "child not undone", child: "kid" });
  const child = await childOf(sagaId);
  await eventually("the child is stuck", async () => (await client.saga(child)).error);
  expect(await client.saga(child)).toMatchObject({ status: "completed", error: { step: "work" } });
  // Its status stays, and still it is found among what waits for a person.
  expect(await newestParked("kid")).toBe(child);
  const listed = (await client.ok("GET", `/v1/sagas?status=parked&parent=${sagaId}`)) as {
    items: { sagaId: string }[];
  };
  expect(listed.items.map((item) => item.sagaId)).toEqual([child]);
  expect((await verb(child, "skip", { step: "work" })).status).toBe(202);
  expect(await newestParked("kid")).not.toBe(child);

  expect(await client.settled(sagaId)).toMatchObject({
    status: "failed",
    uncompensated: [{ step: "choose1/kid/kid" }],
  });
  expect(await client.saga(child)).toMatchObject({ status: "completed", uncompensated: [{ step: "work" }] });
}, 60_000);
