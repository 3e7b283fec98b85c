import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { FatalError, rejected } from "ekiden";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine, TRANSPORTS } from "../support/engine.ts";
import { behave, calm } from "../support/lab/lab/behaviour.ts";
import { expectVerified } from "../support/verified.ts";

describe.each([...TRANSPORTS])("a child saga on the %s transport", (kind) => {
  let lab: TestEngine;
  const client = new Client(() => lab.url);

  beforeAll(async () => {
    lab = await testEngine(kind);
  }, 120_000);
  afterEach(calm);
  afterAll(async () => lab?.close(), 60_000);

  const childOf = async (sagaId: string) =>
    (
      await lab.sql<{ id: string; status: string; finished_at: Date | null }[]>`
        select id, status, finished_at from timeline.saga where parent_id = ${sagaId}
      `
    )[0];
  const undone = async (sagaId: string) => (await lab.sql`select 1 from lab.undone where saga_id = ${sagaId}`).length;

  test("gives its output to its parent's step", async () => {
    const saga = await client.start("family", { note: `${kind} output`, child: "kid" }, "?wait=30s");

    expect(saga).toMatchObject({ status: "completed", output: { kid: `two of ${kind} output of the kid` } });
  }, 60_000);

  test("whose business key is in use, or whose input does not fit, is a rejection that the parent takes back", async () => {
    const note = `${kind} busy`;
    behave("two", "*", async () => {
      await Bun.sleep(1_500);
      return undefined;
    });
    const first = await client.start("kid", { note: `${note} of the kid` });
    const busy = await client.start("family", { note, child: "kid" }, "?wait=30s");
    const long = await client.start("family", { note: "x".repeat(60), child: "kid" }, "?wait=30s");

    expect(busy).toMatchObject({ status: "failed", error: { code: "saga.key-open" }, uncompensated: [] });
    expect(long).toMatchObject({ status: "failed", error: { code: "saga.input-invalid" }, uncompensated: [] });
    expect([await undone(busy.sagaId), await undone(long.sagaId)]).toEqual([1, 1]);
    expect(await client.settled(first.sagaId)).toMatchObject({ status: "completed" });
  }, 60_000);

  test("that fails is a rejection with its code, which the parent may catch", async () => {
    behave("two", "*", () => rejected("strange", "on purpose"));
    const saga = await client.start("family", { note: `${kind} caught`, child: "kid" }, "?wait=30s");

    expect(saga).toMatchObject({ status: "completed", output: { kid: "none" } });
    expect((await childOf(saga.sagaId))?.status).toBe("failed");
  }, 60_000);

  test("that fails is quoted by its parent without what the child's definition hides", async () => {
    const note = `${kind} quoted`;
    behave("two", "*", () => rejected("odd", `cannot work on ${note} of the kid today`));
    const { sagaId, error } = await client.start("family", { note, child: "kid" }, "?wait=30s");

    expect(error).toMatchObject({ code: "odd", message: "cannot work on *** today" });
    const child = await childOf(sagaId);
    expect((await client.saga(child?.id ?? "")).error?.message).toBe("cannot work on *** today");
  }, 60_000);

  test("that has completed undoes itself when its parent fails, and a person helps where that fails", async () => {
    behave("three", "*", () => rejected("no", "on purpose"));
    behave("undo", "*", (context) => {
      if (context.saga === "kid") throw new FatalError("cannot be undone just now");
      return undefined;
    });
    const { sagaId } = await client.start("family", { note: `${kind} undone`, child: "kid" });
    const parked = await eventually("the child is stuck", async () => {
      const child = await childOf(sagaId);
      if (child === undefined) return undefined;
      const { status, error } = await client.saga(child.id);
      return error === null ? undefined : { ...child, shown: status };
    });
    const [child, parent] = [await client.saga(parked.id), await client.saga(sagaId)];
    expect([parked.shown, parent.status]).toEqual(["completed", "compensating"]);
    expect(child.waiting).toMatchObject({ kind: "person", step: "work", since: child.updatedAt });
    expect(parent.waiting).toMatchObject({ kind: "child", child: { sagaId: parked.id, status: "parked" } });
    expect(parent.waiting?.since).toBe(parent.updatedAt);

    calm();
    await client.ok("POST", `/v1/sagas/${parked.id}/retry`, { reason: "mended" });
    expect(await client.settled(sagaId)).toMatchObject({ status: "failed", error: { code: "no" }, uncompensated: [] });
    expect([await undone(parked.id), await undone(sagaId)]).toEqual([1, 1]);
    const after = await childOf(sagaId);
    expect([after?.status, after?.finished_at]).toEqual(["completed", parked.finished_at]);
    const mended = await client.saga(parked.id);
    expect(mended.waiting).toBeNull();
    // The error was that of an undoing that has succeeded since.
    expect(mended.steps.map(({ path, status, error }) => [path, status, error])).toEqual([
      ["work", "compensated", undefined],
    ]);
  }, 60_000);

  test("is cancelled with its parent, and its parent ends after it", async () => {
    let goOn = () => {};
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    behave("two", "*", async () => {
      await gate;
      return undefined;
    });
    const { sagaId } = await client.start("family", { note: `${kind} cancelled`, child: "kid" });
    const child = await eventually("the child runs", () => childOf(sagaId));
    await client.ok("POST", `/v1/sagas/${sagaId}/cancel`, { reason: "enough" });
    goOn();

    expect(await client.settled(sagaId)).toMatchObject({ status: "cancelled", uncompensated: [] });
    expect((await childOf(sagaId))?.status).toBe("cancelled");
    expect([(await client.saga(child.id)).status, await undone(sagaId)]).toEqual(["cancelled", 1]);
  }, 60_000);

  test("every saga is what its events make of it", async () => {
    await expectVerified(lab.url);
  }, 60_000);
});
