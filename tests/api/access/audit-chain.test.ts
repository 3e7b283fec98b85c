import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import * as v from "valibot";

import type { Api } from "../../../engine/api/api-env.ts";
import { AuditVerification } from "../../../engine/api/audit-schema.ts";
import { createApi } from "../../../engine/api/server.ts";
import { newId } from "../../../engine/timeline/ids.ts";
import { type ApiDatabase, apiDatabase } from "../api-database.ts";
import { keptLog, readingEngine } from "../reading-engine.ts";

let database: ApiDatabase;
let app: Api;

beforeAll(async () => {
  database = await apiDatabase();
  app = createApi({ engine: readingEngine(), sql: database.sql, log: keptLog() });
}, 60_000);
afterAll(() => database?.end());

async function act(reason: string, tx: Pick<ApiDatabase, "sql">["sql"] = database.sql): Promise<string> {
  const id = newId();
  await tx`
    insert into timeline.audit (id, actor, action, target, reason, before, after)
    values (${id}, 'ann', 'group.pause', 'screening', ${reason}, ${tx.json({ a: 1.5, ü: "\u2028" })}, null)
  `;
  return id;
}

async function verification(query = "") {
  const response = await app.request(`/v1/audit/verification${query}`);
  return v.parse(AuditVerification, await response.json());
}

/** As somebody who owns the tables, and puts everything back afterwards. */
async function tampered(change: (sql: ApiDatabase["sql"]) => Promise<unknown>) {
  let seen: v.InferOutput<typeof AuditVerification> | undefined;
  const undo = new Error("undo");
  await database.sql
    .begin(async (tx) => {
      await tx`set local session_replication_role = replica`;
      await change(tx as never);
      const inside = createApi({ engine: readingEngine(), sql: asSql(tx), log: keptLog() });
      seen = v.parse(AuditVerification, await (await inside.request("/v1/audit/verification")).json());
      throw undo;
    })
    .catch((error: unknown) => {
      if (error !== undo) throw error;
    });
  return seen;
}

/** A transaction as a pool: what it runs, it runs inside. */
function asSql(tx: unknown): ApiDatabase["sql"] {
  return Object.assign((...of: unknown[]) => (tx as (...all: unknown[]) => unknown)(...of), tx, {
    begin: (_how: string, act: (inner: unknown) => unknown) => act(tx),
  }) as never;
}

test("an empty audit is whole", async () => {
  expect(await verification()).toEqual({ whole: true, rows: 0, head: null, faults: [] });
});

test("every action is sealed behind the one that was committed before it, also by many at once", async () => {
  const { sql } = database;
  await Promise.all(Array.from({ length: 20 }, (_, at) => act(`at once ${at}`)));
  await sql.begin(async (tx) => {
    await act("two in", tx as never);
    await act("one transaction", tx as never);
  });
  const { whole, rows, head } = await verification();
  expect([whole, rows]).toEqual([true, 22]);
  await act("one more");
  expect(await verification(`?expect=${head}`)).toMatchObject({ whole: true, rows: 23 });
});

test("an action that is taken back is in no chain, and none waits for another that is not committed", async () => {
  const { sql } = database;
  const before = await verification();
  await sql.begin(async (tx) => {
    await act("open", tx as never);
    // Would wait for the lock if it were taken before the commit.
    await act("beside it");
    await tx`select 1`;
  });
  await sql
    .begin(async (tx) => {
      await act("never", tx as never);
      throw new Error("taken back");
    })
    .catch(() => undefined);
  expect(await verification()).toMatchObject({ whole: true, rows: before.rows + 2 });
});

test("nobody changes, deletes or empties it by an ordinary statement", async () => {
  const { sql } = database;
  for (const text of [
    "update timeline.audit set reason = 'nothing'",
    "delete from timeline.audit",
    "truncate timeline.audit cascade",
    "update timeline.audit_chain set hash = sha256('')",
    "delete from timeline.audit_chain",
    "truncate timeline.audit_chain",
  ])
    await expect(sql.unsafe(text)).rejects.toMatchObject({ code: "42501" });
});

test("whoever gets round that is found: a row changed, taken out, slipped in, and a chain written anew", async () => {
  const last = await act("the last");
  const { head } = await verification();
  const position = Number(head?.split(":")[0]);
  const changed = await tampered((sql) => sql`update timeline.audit set actor = 'bob' where id = ${last}`);
  expect(changed).toMatchObject({ whole: false, faults: [{ position, auditId: last, fault: "changed" }] });
  const gone = await tampered((sql) => sql`delete from timeline.audit where id = ${last}`);
  expect(gone).toMatchObject({ whole: false, faults: [{ position, auditId: last, fault: "missing" }] });
  const slipped = await tampered((sql) => act("slipped in", sql));
  expect(slipped).toMatchObject({ whole: false, faults: [{ position: null, fault: "unsealed" }] });
  const cut = await tampered((sql) => sql`delete from timeline.audit_chain where position = 3`);
  expect(cut?.faults).toMatchObject([{ position: 4, fault: "gap" }, { fault: "unsealed" }]);
  const wrong = `${position}:${"0".repeat(64)}`;
  expect(await verification(`?expect=${wrong}`)).toMatchObject({
    whole: false,
    faults: [{ position, fault: "unexpected" }],
  });
  expect(await verification(`?expect=${position + 9}:${"0".repeat(64)}`)).toMatchObject({ whole: false });
  expect(await verification()).toMatchObject({ whole: true, head });
});

test("what was written before there was a chain stands in it", async () => {
  const { rows } = await verification();
  const upgraded = await tampered(async (sql) => {
    await sql`drop table timeline.audit_chain`;
    await sql`drop trigger audit_seal on timeline.audit`;
    await sql`drop trigger audit_append_only on timeline.audit`;
    await sql`drop function timeline.seal_audit, timeline.refuse_audit_change, timeline.audit_sealed`;
    await act("before", sql);
    await sql.file(join(import.meta.dir, "../../../sql/0022_audit_chain.sql"));
  });
  expect(upgraded).toMatchObject({ whole: true, rows: rows + 1, faults: [] });
});
