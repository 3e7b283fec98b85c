import { afterAll, beforeAll, expect, test } from "bun:test";

import { createKey, hashOf, revokeKey } from "../../../engine/access/keys.ts";
import { serverSentEvents } from "../../../engine/cli/server-sent-events.ts";
import { insertMessage, insertSaga } from "../saga-rows.ts";
import { eventually } from "../../support/engine.ts";
import { AccessBench } from "./access-bench.ts";

let bench: AccessBench;
let admin: string;
/** How long a call with `wait` waits. */
const waiting = Promise.withResolvers<void>();
const by = { actor: "test" };
const order = { role: "viewer", definitions: null, payloads: false, expiresAt: null } as const;

beforeAll(async () => {
  const revoke: typeof revokeKey = (...of) => revokeKey(...of);
  bench = await AccessBench.open({
    createKey: (...of) => createKey(bench.database.sql, ...of),
    revokeKey: (...of) => revoke(bench.database.sql, ...of),
    settled: () => waiting.promise,
  });
}, 60_000);
afterAll(() => bench?.end());

test("until the first key is made nobody has to say who calls; it must be an admin's, and from then on all have to", async () => {
  expect((await bench.call(null, "GET", "/v1/sagas")).status).toBe(200);
  const viewer = { name: "vera", role: "viewer", expiresAt: null, reason: "first" };
  expect((await bench.call(null, "POST", "/v1/keys", viewer)).code).toBe("key.first-admin");
  const made = await bench.call(null, "POST", "/v1/keys", { ...viewer, name: "ann", role: "admin", payloads: true });
  expect(made.status).toBe(201);
  admin = (JSON.parse(made.text) as { key: string }).key;
  await eventually(
    "calls without a key are refused",
    async () => (await bench.call(null, "GET", "/v1/sagas")).status === 401,
  );
  expect((await bench.call(admin, "GET", "/v1/keys")).status).toBe(200);
});

test("a key is shown once and kept as its SHA-256; who made it and why stands in the audit", async () => {
  const body = { name: "ci", role: "starter", definitions: ["onboarding"], expiresAt: null, reason: "the nightly run" };
  const made = JSON.parse((await bench.call(admin, "POST", "/v1/keys", body)).text) as { id: string; key: string };
  expect(made).toMatchObject({
    name: "ci",
    role: "starter",
    definitions: ["onboarding"],
    payloads: false,
    createdBy: "key:ann",
  });
  expect(made.key).toMatch(/^ekiden_[0-9A-Z]{26}_[\w-]{43}$/);
  const { sql } = bench.database;
  const [row] = await sql<{ sha256: Buffer }[]>`select sha256 from timeline.api_key where id = ${made.id}`;
  expect(row?.sha256).toEqual(hashOf(made.key));
  const [written] = await sql<{ all: string }[]>`
    select concat((select jsonb_agg(a) from timeline.audit a), (select jsonb_agg(k) from timeline.start_key k)) as all
  `;
  expect(written?.all).not.toContain(made.key.slice(-43));
  const audit = JSON.parse((await bench.call(admin, "GET", "/v1/audit?action=key.create&target=ci")).text);
  expect(audit.items).toMatchObject([{ actor: "key:ann", reason: "the nightly run" }]);
  expect((await bench.call(admin, "GET", "/v1/keys")).text).not.toContain(made.key.slice(-43));
  expect((await bench.call(admin, "POST", "/v1/keys", body)).code).toBe("key.name-taken");
});

test("a key that has expired, or was revoked, is of no use, and its name is not given again", async () => {
  const { sql } = bench.database;
  const soon = await bench.key({ name: "soon", role: "viewer", expiresAt: new Date(Date.now() + 600_000) });
  expect((await bench.call(soon, "GET", "/v1/sagas")).status).toBe(200);
  await sql`update timeline.api_key set expires_at = clock_timestamp() where name = 'soon'`;
  await eventually("it has expired", async () =>
    (await bench.call(soon, "GET", "/v1/sagas")).text.includes("has expired"),
  );
  const rita = await bench.key({ name: "rita", role: "viewer" });
  expect((await bench.call(rita, "GET", "/v1/sagas")).status).toBe(200);
  expect((await bench.call(admin, "POST", "/v1/keys/rita/revoke", { reason: "left us" })).status).toBe(200);
  await eventually("it is revoked", async () =>
    (await bench.call(rita, "GET", "/v1/sagas")).text.includes("was revoked"),
  );
  await expect(createKey(sql, { ...order, name: "rita" }, "again", by)).rejects.toMatchObject({
    code: "key.name-taken",
  });
  expect((await bench.call(admin, "POST", "/v1/keys/nobody/revoke", { reason: "x" })).code).toBe("key.unknown");
});

test("a call that is repeated under its Idempotency-Key makes no second key, and shows the first one no more", async () => {
  const { sql } = bench.database;
  const once = { ...by, idempotencyKey: "k-1" };
  const first = await createKey(sql, { ...order, name: "once" }, "x", once);
  const again = await createKey(sql, { ...order, name: "once" }, "x", once);
  expect([first.key === null, again]).toEqual([false, { row: first.row, key: null }]);
});

test("nobody gives what he has not: a key that reads payloads is made only by one that does", async () => {
  const blind = await bench.key({ name: "blind", role: "admin" });
  const body = { name: "eyes", role: "viewer", payloads: true, expiresAt: null, reason: "x" };
  expect((await bench.call(blind, "POST", "/v1/keys", body)).code).toBe("auth.forbidden");
  expect((await bench.call(admin, "POST", "/v1/keys", body)).status).toBe(201);
});

test("an admin's key for some definitions only, a name that is none, a past without end: each is refused with its place", async () => {
  const body = { name: "x", role: "admin", definitions: ["onboarding"], expiresAt: null, reason: "x" };
  for (const wrong of [
    body,
    { ...body, definitions: null, name: "X y" },
    { ...body, definitions: [] },
    { ...body, expiresAt: "soon" },
  ]) {
    const { status, text } = await bench.call(admin, "POST", "/v1/keys", wrong);
    expect([status, (JSON.parse(text) as { errors: unknown[] }).errors.length]).toEqual([422, expect.any(Number)]);
  }
});

test("a stream tells each key its definitions only, reasons to who reads payloads only, and ends with the key", async () => {
  const { sql } = bench.database;
  const loan = await insertSaga(sql, { definition: "loan" });
  const other = await insertSaga(sql, { definition: "onboarding" });
  const narrow = await bench.key({ name: "narrow", role: "viewer", definitions: ["loan"] });
  const reader = await bench.key({ name: "reader", role: "viewer", payloads: true });
  const [bare, whole] = [await listen(narrow), await listen(reader)];
  const fail = (sagaId: string) =>
    insertMessage(sql, {
      sagaId,
      type: "step.failed",
      step: "a",
      body: { code: "odd", message: "Hanako has no house" },
    });
  await fail(other);
  const seen = await fail(loan);
  await eventually("both are told", async () => bare.seen.length >= 1 && whole.seen.length >= 2);
  expect(bare.seen).toMatchObject([{ messageId: seen, error: { code: "odd", message: null } }]);
  expect(whole.seen.at(-1)).toMatchObject({ messageId: seen, error: { code: "odd", message: "Hanako has no house" } });
  await revokeKey(sql, "narrow", "done", by);
  await fail(loan);
  await eventually("the other goes on", async () => whole.seen.length >= 3);
  await eventually("it has ended", async () => {
    await fail(loan);
    return bare.ended;
  });
  expect(bare.seen.length).toBeLessThan(whole.seen.length);
  await whole.leave();
});

test("a call that waits for longer than its key is good is told nothing", async () => {
  const { sql } = bench.database;
  const sagaId = await insertSaga(sql, { definition: "loan" });
  const brief = await bench.key({ name: "brief", role: "viewer" });
  const call = bench.call(brief, "GET", `/v1/sagas/${sagaId}?wait=60s`);
  await revokeKey(sql, "brief", "done", by);
  await eventually("it is revoked", async () => (await bench.call(brief, "GET", "/v1/sagas")).status === 401);
  await Bun.sleep(1_000);
  waiting.resolve();
  expect(await call).toMatchObject({ status: 401, code: "auth.refused" });
});

interface Listening {
  readonly seen: readonly { readonly messageId: string }[];
  readonly ended: boolean;
  leave(): Promise<void>;
}

async function listen(key: string): Promise<Listening> {
  const controller = new AbortController();
  const headers = { authorization: `Bearer ${key}` };
  const response = await bench.app.request(
    new Request("http://localhost/v1/stream", { headers, signal: controller.signal }),
  );
  const seen: { messageId: string }[] = [];
  let ended = false;
  const reading = (async () => {
    for await (const { event, data } of serverSentEvents(response.body as ReadableStream<Uint8Array>))
      if (event === "message" && data !== undefined) seen.push(JSON.parse(data));
    ended = true;
  })();
  return {
    seen,
    get ended() {
      return ended;
    },
    leave: async () => {
      controller.abort();
      await reading;
    },
  };
}
