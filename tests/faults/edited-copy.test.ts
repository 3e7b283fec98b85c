import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { cliProcess } from "../support/cli-process.ts";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, TRANSPORTS, testEngine } from "../support/engine.ts";
import { behave, calls, calm } from "../support/lab/lab/behaviour.ts";

interface Command {
  readonly message_id: string;
  readonly attempt: number;
  readonly message_headers: { readonly supersedes?: string } | null;
  readonly message_body: { readonly input: { readonly note: string } };
  readonly error_code: string | null;
  readonly error_flag: boolean | null;
}

const codeOf = (json: unknown) => (json as { code?: string }).code;

describe.each([...TRANSPORTS])("an edited copy on the %s transport", (kind) => {
  let lab: TestEngine;
  const client = new Client(() => lab.url);

  beforeAll(async () => {
    lab = await testEngine(kind);
  }, 180_000);
  afterEach(calm);
  afterAll(async () => lab?.close(), 60_000);

  const commands = async (sagaId: string, type = "step.requested"): Promise<Command[]> => [
    ...(await lab.sql<Command[]>`
    select r.message_id, r.attempt, r.message_headers, r.message_body, c.error_code, c.error_flag
    from timeline.event_request r
    left join timeline.event_consumption c on c.message_id = r.message_id and c.consumer_group = 'lab'
    where r.correlation_id = ${sagaId} and r.message_type = ${type} order by r.message_id
  `),
  ];
  const edit = (messageId: string, body: unknown, headers = {}) =>
    client.call("POST", `/v1/messages/${messageId}/redrive`, { body, reason: "wrong note" }, headers);
  /** The handler of the first step cannot bear this note. Returns the notes that it meets. */
  const refuse = (bad: string) => {
    const met = new Set<string>();
    behave("one", "*", (_context, _tx, input) => {
      met.add(input.note);
      if (input.note === bad) throw new Error(`cannot bear ${bad}`);
      return undefined;
    });
    return met;
  };

  test("replaces what a saga is parked at: the new one runs, no old one ever does, the undo knows the new input", async () => {
    const met = refuse("bad-1");
    const { sagaId, status } = await client.start("three", { note: "bad-1" }, "?wait=30s");
    expect(status).toBe("parked");
    const [oldest, , newest] = (await commands(sagaId)) as [Command, Command, Command];
    behave("three", sagaId, () => ({ type: "rejected", code: "no", message: "not this time" }) as never);
    const undone: unknown[] = [];
    behave("undo", sagaId, (context, _tx, input) => {
      undone.push({ input, compensated: context.compensates?.input });
      return undefined;
    });
    await client.ok("POST", "/v1/consumer-groups/lab/pause", { reason: "to look at it" });
    const answer = await edit(newest.message_id, { input: { note: "good-1" } });
    expect(answer.status).toBe(202);
    const { supersededBy } = answer.json as { supersededBy: string };
    const sent = (await commands(sagaId)).find(({ message_id: id }) => id === supersededBy);
    expect(sent).toMatchObject({
      attempt: 4,
      message_headers: { supersedes: newest.message_id },
      message_body: { input: { note: "good-1" } },
    });
    // A rewind to the first error, before the new one has run: the old ones are closed.
    met.clear();
    await client.call("POST", "/v1/consumer-groups/lab/rewind", { messageId: oldest.message_id, reason: "test" });
    await client.ok("POST", `/v1/messages/${oldest.message_id}/redrive`, { reason: "test" });
    await client.ok("POST", "/v1/consumer-groups/lab/resume", { reason: "looked at" });
    const end = await eventually("the saga ends", async () => {
      const saga = await client.saga(sagaId);
      return saga.status === "failed" && saga;
    });
    expect(end.error?.code).toBe("no");
    await eventually("the copy was looked at", async () => {
      const [row] = await lab.sql<{ n: number }[]>`
        select count(*)::integer as n from timeline.event_republish where message_id = ${oldest.message_id}
      `;
      return row?.n === 1;
    });
    expect([...met]).toEqual(["good-1"]);
    expect(undone.at(-1)).toEqual({ input: { note: "good-1" }, compensated: { note: "good-1" } });
    const codes = (await commands(sagaId)).slice(0, 3).map(({ error_code, error_flag }) => [error_code, error_flag]);
    expect(codes).toEqual(Array(3).fill(["message.superseded", false]));
    const [audit] = await lab.sql<{ before: object; after: object; reason: string }[]>`
      select before, after, reason from timeline.audit where action = 'message.edit' and target = ${newest.message_id}
    `;
    expect(audit).toMatchObject({
      reason: "wrong note",
      before: { sagaId, messageId: newest.message_id },
      after: { sagaId, messageId: expect.any(String) },
    });
    expect(JSON.stringify([audit?.before, audit?.after])).not.toMatch(/bad-1|good-1/);
  }, 90_000);

  test("replaces a command that was sent and never claimed: retries after it have the edited input", async () => {
    const met = refuse("bad-3");
    await client.ok("POST", "/v1/consumer-groups/lab/pause", { reason: "so that it waits" });
    const { sagaId } = await client.start("three", { note: "never" });
    const [waiting] = (await commands(sagaId)) as [Command];
    const { status } = await edit(waiting.message_id, { input: { note: "bad-3" } });
    expect(status).toBe(202);
    await client.ok("POST", "/v1/consumer-groups/lab/resume", { reason: "go" });
    const parked = await client.settled(sagaId);
    expect([parked.status, parked.error?.message]).toEqual(["parked", "cannot bear bad-3"]);
    const sent = await commands(sagaId);
    expect(sent.map(({ message_body: { input } }) => input.note)).toEqual(["never", "bad-3", "bad-3", "bad-3"]);
    expect(sent[0]?.error_code).toBe("message.superseded");
    expect([...met]).toEqual(["bad-3"]);
  }, 90_000);

  test("replaces a compensation that fails", async () => {
    let bad = true;
    const { sagaId } = await client.start("three", { note: "to-undo" }, "?wait=0s");
    behave("three", sagaId, () => ({ type: "rejected", code: "no", message: "no" }) as never);
    behave("undo", sagaId, () => {
      if (bad) throw new Error("cannot undo this");
      return undefined;
    });
    const seen: unknown[] = [];
    // Ten attempts by default: not waited for, the newest is edited while its saga waits for it or its backoff.
    const [sent] = await eventually("a compensation failed", async () => {
      const rows = await commands(sagaId, "compensation.requested");
      return rows.length > 0 && rows.at(-1)?.error_flag === true && [rows.at(-1) as Command];
    });
    behave("undo", sagaId, (_context, _tx, input) => {
      seen.push(input);
      return undefined;
    });
    await client.ok("POST", "/v1/consumer-groups/lab/pause", { reason: "so that no later attempt runs" });
    bad = false;
    const refused = await edit(sent.message_id, { input: { note: "mended" }, compensates: { stepKey: "another" } });
    expect([refused.status, codeOf(refused.json)]).toEqual([422, "message.edit-invalid"]);
    // As it stands while a call to the outside is made: claimed, nobody in the step's lock.
    const claimed = (open: boolean) => lab.sql`
      update timeline.event_consumption set error_flag = ${!open}, consumed_at = ${open ? null : new Date()}
      where consumer_group = 'lab' and message_id = ${sent.message_id}
    `;
    await claimed(true);
    const running = await edit(sent.message_id, { input: { note: "mended" } });
    await claimed(false);
    expect([running.status, codeOf(running.json)]).toEqual([409, "message.not-editable"]);
    const answer = await edit(sent.message_id, { input: { note: "mended" } });
    expect(answer.status).toBe(202);
    await client.ok("POST", "/v1/consumer-groups/lab/resume", { reason: "go" });
    expect((await client.settled(sagaId)).status).toBe("failed");
    expect(seen[0]).toEqual({ note: "mended" });
  }, 90_000);
});

describe("what cannot be edited", () => {
  let lab: TestEngine;
  const client = new Client(() => lab.url);

  beforeAll(async () => {
    lab = await testEngine("embedded");
  }, 120_000);
  afterEach(calm);
  afterAll(async () => lab?.close(), 60_000);

  const ids = async (sagaId: string, type: string) =>
    (
      await lab.sql<{ id: string }[]>`
        select message_id as id from timeline.event_request
        where correlation_id = ${sagaId} and message_type = ${type} order by message_id
      `
    ).map(({ id }) => id);
  const edit = async (id: string | undefined, body: unknown, headers = {}) => {
    const { status, json } = await client.call("POST", `/v1/messages/${id}/redrive`, { body, reason: "test" }, headers);
    return { status, code: codeOf(json), json: json as { errors?: { pointer: string }[]; detail?: string } };
  };
  const INPUT = { input: { note: "x" } };

  test("a step that is done, an event, and a message that is not there", async () => {
    const { sagaId, status } = await client.start("three", { note: "done" }, "?wait=30s");
    expect(status).toBe("completed");
    const [command] = await ids(sagaId, "step.requested");
    const [event] = await ids(sagaId, "step.succeeded");
    // The saga has ended: nothing of it moves any more.
    expect(await edit(command, INPUT)).toMatchObject({ status: 409, code: "message.not-editable" });
    expect(await edit(event, INPUT)).toMatchObject({ status: 409, code: "message.not-editable" });
    expect(await edit("01KAS0CW5X2V7J4H8N6D3Q1RTB", INPUT)).toMatchObject({ status: 404, code: "message.unknown" });
  }, 60_000);

  test("one that runs at this moment, and a call that may have arrived", async () => {
    const gate = Promise.withResolvers<void>();
    behave("one", "*", async () => void (await gate.promise));
    const { sagaId } = await client.start("patient", { note: "running" });
    await eventually("it runs", async () => calls.some((call) => call.sagaId === sagaId));
    const [running] = await ids(sagaId, "step.requested");
    const refused = await edit(running, INPUT);
    gate.resolve();
    expect(refused).toMatchObject({ status: 409, code: "message.not-editable" });
    expect(refused.json.detail).toContain("it runs at this moment");

    behave("call", "*", () => {
      throw new Error("nobody knows");
    });
    const called = await client.start("outside_parked", { note: "called" }, "?wait=30s");
    expect(called.status).toBe("parked");
    const unknown = await edit((await ids(called.sagaId, "step.requested")).at(-1), INPUT);
    expect(unknown).toMatchObject({ status: 409, code: "message.not-editable" });
    expect(unknown.json.detail).toContain("may have arrived");
  }, 60_000);

  test("a body that does not fit its handler, and values that are masked, with their places", async () => {
    behave("one", "*", () => {
      throw new Error("broken");
    });
    const { sagaId } = await client.start("three", { note: "parked" }, "?wait=30s");
    const newest = (await ids(sagaId, "step.requested")).at(-1);
    const faults: readonly (readonly [unknown, string])[] = [
      [{ input: { note: 7 } }, "/body/input/note"],
      [{ input: {} }, "/body/input/note"],
      [{ input: { note: "***" } }, "/body/input/note"],
      [{ input: { note: "Dear ***, parked" } }, "/body/input/note"],
      [{}, "/body"],
      ["text", "/body"],
      [{ input: { note: "x" }, more: 1 }, "/body/more"],
    ];
    for (const [body, pointer] of faults) {
      const answer = await edit(newest, body);
      expect([body, answer.status, answer.code, answer.json.errors?.[0]?.pointer]).toEqual([
        body,
        422,
        "message.edit-invalid",
        pointer,
      ]);
    }
    const sent = await ids(sagaId, "step.requested");
    const preview = (body: unknown, id = newest) =>
      client.call("POST", `/v1/messages/${id}/redrive`, { body, preview: true });
    // A preview needs no reason, sends nothing, and says the same.
    for (const [body, pointer] of faults) {
      const { status, json } = await preview(body);
      const { code, errors } = json as { code: string; errors: { pointer: string }[] };
      expect([body, status, code, errors[0]?.pointer]).toEqual([body, 422, "message.edit-invalid", pointer]);
    }
    const { status, json } = await preview(INPUT);
    expect([status, json]).toEqual([
      200,
      { preview: true, messageId: newest, action: "lab.one", schemaKnown: true } as never,
    ]);
    expect(codeOf((await preview(undefined)).json)).toBe("request.body-invalid");
    expect((await preview(INPUT, (await ids(sagaId, "saga.started"))[0])).status).toBe(409);
    await lab.sql`update timeline.event_request set action = 'gone' where message_id = ${newest ?? ""}`;
    const unknown = (await preview({ input: { note: 7 } })).json;
    await lab.sql`update timeline.event_request set action = 'one' where message_id = ${newest ?? ""}`;
    expect(unknown as unknown).toMatchObject({ action: "lab.gone", schemaKnown: false });
    const command = cliProcess(["redrive", newest ?? "", "--body", JSON.stringify(INPUT), "--preview"], lab.url);
    expect([await command.ended, command.lines()]).toEqual([
      0,
      [`the edited body of ${newest} fits the input of lab.one`, "nothing was sent"],
    ]);
    expect(await ids(sagaId, "step.requested")).toEqual(sent);

    await client.ok("POST", "/v1/consumer-groups/dispatcher/pause", { reason: "test" });
    const paused = await edit(newest, INPUT);
    await client.ok("POST", "/v1/consumer-groups/dispatcher/resume", { reason: "test" });
    expect(paused).toMatchObject({ status: 409, code: "message.not-editable" });

    // Twice under one key: one new message, the same answer.
    calm();
    const [first, second] = await Promise.all([
      edit(newest, INPUT, { "idempotency-key": "edit" }),
      edit(newest, INPUT, { "idempotency-key": "edit" }),
    ]);
    expect([first.status, second.status]).toEqual([202, 202]);
    expect(second.json).toEqual(first.json);
    expect((await client.settled(sagaId)).status).toBe("completed");
  }, 60_000);

  test("a text that holds the mask is taken as it was stored, and refused when it was not stored like that", async () => {
    const stored = "Dear ***, signed by Hanako";
    behave("one", "*", () => {
      throw new Error("broken");
    });
    const { sagaId } = await client.start("three", { note: stored }, "?wait=30s");
    const newest = (await ids(sagaId, "step.requested")).at(-1);
    // With a name masked it has the mask once more; with all of it masked it has nothing else.
    for (const note of ["Dear ***, signed by ***", "***", "Dear ***"]) {
      for (const preview of [true, undefined]) {
        const body = { input: { note } };
        const { status, json } = await client.call("POST", `/v1/messages/${newest}/redrive`, {
          body,
          ...(preview ? { preview } : { reason: "test" }),
        });
        const { errors } = json as { errors?: { pointer: string }[] };
        expect([note, status, codeOf(json), errors?.[0]?.pointer]).toEqual([
          note,
          422,
          "message.edit-invalid",
          "/body/input/note",
        ]);
      }
    }
    calm();
    expect(await edit(newest, { input: { note: stored } })).toMatchObject({ status: 202 });
    expect((await client.settled(sagaId)).status).toBe("completed");
  }, 60_000);
});
