import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Sql } from "postgres";

import { type DomainDatabase, domainDatabase } from "../support/domain-database.ts";

let database: DomainDatabase;
let screening: Sql;

beforeAll(async () => {
  database = await domainDatabase();
  screening = database.screening;
}, 60_000);

afterAll(async () => database?.close(), 30_000);

/** What the database says to a statement of the domain's role, or `done`. */
async function refusal(statement: string): Promise<string> {
  try {
    await screening.unsafe(statement);
    return "done";
  } catch (error) {
    return (error as Error).message;
  }
}

const REFUSED = /^permission denied|^must be owner|^must be able to SET ROLE|^role .* (may not consume|belongs to no)/;

/** Statements that the database did not refuse for want of a right, with what it said. */
async function notRefused(statements: readonly string[]): Promise<string[]> {
  const open: string[] = [];
  for (const statement of statements) {
    const said = await refusal(statement);
    if (!REFUSED.test(said)) open.push(`${statement}: ${said}`);
  }
  return open;
}

interface Column {
  readonly table: string;
  readonly column: string;
}

/** Every table of some schemas, with its first column. */
async function tablesOf(schemas: string): Promise<readonly Column[]> {
  return database.sql<Column[]>`
    select format('%I.%I', n.nspname, c.relname) as table, quote_ident(a.attname) as column
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum = 1
    where n.nspname ~ ${schemas} and c.relkind in ('r', 'p') order by 1
  `;
}

test("a domain can neither read nor write a table of another domain or of the engine", async () => {
  const tables = await tablesOf("^(timeline|application|contract|ledger|notification)$");
  expect(tables.length).toBeGreaterThan(25);
  const statements = tables.flatMap(({ table, column }) => [
    `select 1 from ${table}`,
    `insert into ${table} default values`,
    `update ${table} set ${column} = ${column}`,
    `delete from ${table}`,
    `truncate ${table}`,
    `copy ${table} to stdout`,
    `drop table ${table}`,
  ]);

  statements.push("select 1 from timeline.event_consumption_history");

  expect(await notRefused(statements)).toEqual([]);
});

test("the same statements on its own table show that they can pass", async () => {
  expect(await notRefused(["select 1 from screening.screening", "delete from screening.screening"])).toEqual([
    "select 1 from screening.screening: done",
    "delete from screening.screening: done",
  ]);
});

test("a domain makes nothing: no table, function, trigger or schema, not even in its own", async () => {
  const making = ["timeline", "contract", "screening", "public"].flatMap((schema) => [
    `create table ${schema}.mine (id integer)`,
    `create function ${schema}.mine() returns integer language sql as 'select 1'`,
    `create type ${schema}.mine as enum ('a')`,
  ]);

  expect(
    await notRefused([
      ...making,
      "create schema mine",
      "create extension pgcrypto",
      "create trigger mine before insert on screening.screening for each row execute function pg_catalog.suppress_redundant_updates_trigger()",
      "create publication mine for table screening.screening",
      "alter function timeline.claim(text, jsonb, boolean) security invoker",
      "alter table screening.screening add column mine integer",
    ]),
  ).toEqual([]);
});

test("a domain cannot become anybody else", async () => {
  const { sql, role } = database;
  const [owner] = await sql<{ name: string }[]>`select current_user as name`;
  const contract = role.replace(/screening$/, "contract");
  const becoming = [
    `set role "${owner?.name}"`,
    `set role "${contract}"`,
    `set session authorization "${owner?.name}"`,
    `grant "${contract}" to "${role}"`,
    `alter role "${contract}" password 'mine'`,
    `alter role "${role}" superuser`,
    `alter role "${role}" createrole`,
    "create role mine",
    `grant select on timeline.saga to "${role}"`,
  ];
  expect(await notRefused(becoming)).toEqual([]);
  await screening.unsafe("reset role; reset session authorization");

  const [now] = await screening`select current_user = ${role} and session_user = ${role} as same`;
  expect(now?.["same"]).toBe(true);
  expect(await refusal("select 1 from timeline.saga")).toBe("permission denied for table saga");
});

function delivery(topic: string, id: string): string {
  const message = {
    topic,
    partition: 0,
    offset: 0,
    timestamp: Date.now(),
    key: "k",
    headers: { id },
    consumer: "test",
  };
  return `'${JSON.stringify(message)}'`;
}

test("a domain consumes as nobody else, and not as nobody", async () => {
  const { id } = await database.command("contract.conclude");
  const calls = ["contract", "dispatcher", "contract.book", "timeline", ""].flatMap((group) => [
    `select * from timeline.claim('${group}', ${delivery("contract.conclude", id)})`,
    `select * from timeline.claim_batch('${group}', jsonb_build_array(${delivery("contract.conclude", id)}::jsonb))`,
    `select * from timeline.claim_projection_batch('${group}', jsonb_build_array(${delivery("contract.conclude", id)}::jsonb))`,
    `select * from timeline.open_batch('${group}', array['${id}'], array['contract.conclude'], array['k'], null)`,
    `select * from timeline.open_own('${group}', array['${id}'], array['k'], array[false], null)`,
    `select * from timeline.close_batch('${group}', '[{"messageId": "${id}"}]', 'me', 0)`,
    `select timeline.answer('${group}', '${id}', 'succeeded', '{}')`,
    `select * from timeline.answer_batch('${group}', '[{"messageId": "${id}", "outcome": "succeeded"}]')`,
    `select timeline.record_foreign('${group}', ${delivery("contract.conclude", id)}, 'mine')`,
    `select timeline.fail_consumption('${group}', ${delivery("contract.conclude", id)}, 'a', 'b', 'c')`,
    `select timeline.fail_try('${group}', ${delivery("contract.conclude", id)}, false, 'a', 'b', 'c')`,
  ]);

  expect(await notRefused([...calls, ...calls.map((call) => call.replace("('contract'", "(null"))])).toEqual([]);
});

/** Everything that stands in the engine's tables about a message of another domain. */
async function tracesOf(id: string): Promise<unknown> {
  const [row] = await database.sql`
    select (select count(*)::integer from timeline.event_request where causation_id = ${id}) as answers,
      (select count(*)::integer from timeline.event_consumption where message_id = ${id}) as consumptions,
      (select count(*)::integer from timeline.step_guard g join timeline.event_request r using (step_key)
        where r.message_id = ${id}) as guards
  `;
  return { ...row };
}

test("another domain's message is neither claimed, answered, failed nor shown to a domain that knows its id", async () => {
  const { id, stepKey } = await database.command("contract.conclude");
  const message = delivery("contract.conclude", id);
  const [claimed] = await screening.unsafe(
    `select verdict, request from timeline.claim_batch('screening', jsonb_build_array(${message}::jsonb))`,
  );
  expect({ ...claimed }).toEqual({ verdict: "foreign", request: null });
  const [opened] = await screening`
    select verdict, request->>'body' as body
    from timeline.open_batch('screening', array[${id}], array['contract.conclude'], array[${stepKey}], null)
  `;
  expect({ ...opened }).toEqual({ verdict: "claim", body: null });
  await database.sql`insert into timeline.step_guard (step_key, saga_id, state) values (${stepKey}, 'a', 'closed')`;
  const [moved] = await screening`
    select others from timeline.open_own('screening', array[${id}], array[${stepKey}], array[false], null)
  `;
  expect({ ...moved }).toEqual({ others: [] });
  await database.sql`delete from timeline.step_guard where step_key = ${stepKey}`;
  const [seen] = await screening.unsafe(
    `select verdict, event from timeline.claim_projection_batch('screening.spy', jsonb_build_array(${message}::jsonb))`,
  );
  expect({ ...seen }).toEqual({ verdict: "foreign", event: null });
  expect(
    await screening.unsafe(`select * from timeline.close_batch('screening', '[{"messageId": "${id}"}]', 'me', 0)`),
  ).toHaveLength(0);
  // Its end travels with the commit: what could not be ended must fail it.
  expect(
    await refusal(`select * from timeline.close_batch('screening', '[{"messageId": "${id}"}]', 'me', 1)`),
  ).toStartWith("1 answers were due, 0 were written");
  await screening.unsafe(`select timeline.fail_consumption('screening', ${message}, 'a', 'b', 'c')`);
  await database.sql`update timeline.event_request set message_headers = '{"notify": true}' where message_id = ${id}`;
  await screening.unsafe(`select timeline.fail_try('screening', ${message}, false, 'a', 'b', 'c')`);
  expect(await refusal(`select timeline.answer('screening', '${id}', 'succeeded', '{}')`)).toStartWith(
    "not claimed by group",
  );

  expect(await tracesOf(id)).toEqual({ answers: 0, consumptions: 0, guards: 0 });
});

test("a domain answers its own command once, under its own name, and with nothing but an answer", async () => {
  const { id } = await database.command("screening.examine");
  await screening.unsafe(`select * from timeline.claim('screening', ${delivery("screening.examine", id)})`);
  for (const outcome of ["saga.started", "signal.received", "compensation.succeeded", "done"]) {
    expect(await refusal(`select timeline.answer('screening', '${id}', '${outcome}', '{}')`)).toContain(
      "of an unknown outcome",
    );
  }
  const body = {
    output: 1,
    type: "saga.started",
    topic: "contract.conclude",
    producer: "dispatcher@x",
    sagaId: "other",
  };
  await screening.unsafe(`select timeline.answer('screening', '${id}', 'succeeded', '${JSON.stringify(body)}')`);
  expect(await refusal(`select timeline.answer('screening', '${id}', 'succeeded', '{}')`)).toContain(
    "not claimed by group",
  );

  const answers = await database.sql`
    select topic, message_type, correlation_id, message_body, producer from timeline.event_request where causation_id = ${id}
  `;
  expect(answers.map((row) => ({ ...row }))).toEqual([
    {
      topic: "timeline",
      message_type: "step.succeeded",
      correlation_id: "01J00000000000000000000000",
      message_body: { output: 1 },
      producer: "screening@test",
    },
  ]);
});

test("a domain cannot make a message whose headers no broker takes", async () => {
  const { id } = await database.command("screening.examine");
  const long = (text: string) => text.replace('"consumer":"test"', `"consumer":"${"x".repeat(600_000)}"`);
  const claiming = `select * from timeline.claim('screening', ${long(delivery("screening.examine", id))})`;
  const answering = `select timeline.answer('screening', '${id}', 'succeeded', '{}')`;

  expect(claiming.length).toBeGreaterThan(600_000);
  expect(await refusal(`${claiming}; ${answering}`)).toContain("event_request_producer_check");
});

test("a type of the caller's making cannot put words into a function that runs with its owner's rights", async () => {
  const { id } = await database.command("screening.examine");
  const session = database.login();
  // A temporary type is found before PostgreSQL's own unless the search path says otherwise; its check is the caller's code.
  await session.unsafe(`
    create function pg_temp.forge(pg_catalog.text) returns pg_catalog.bool language plpgsql as $$
    begin
      insert into timeline.step_guard (step_key, saga_id, state) values ('forged', 'forged', 'done');
      return true;
    exception when insufficient_privilege or unique_violation then return true;
    end $$;
    create domain pg_temp.text as pg_catalog.text check (pg_temp.forge(value));
    create domain pg_temp.jsonb as pg_catalog.jsonb check (pg_temp.forge(value::pg_catalog.text));
  `);
  const [claim] = await session.unsafe(
    `select verdict from timeline.claim('screening', ${delivery("screening.examine", id)})`,
  );
  await session.end({ timeout: 5 });

  expect(claim?.["verdict"]).toBe("run");
  expect(await database.sql`select state from timeline.step_guard where step_key = 'forged'`).toHaveLength(0);
});
