import { join } from "node:path";
import type postgres from "postgres";
import { catalogOf } from "../../../engine/definition/catalog.ts";
import { createEvaluator } from "../../../engine/definition/expression.ts";
import { ChildBirths } from "../../../engine/dispatcher/births.ts";
import { Dispatcher } from "../../../engine/dispatcher/dispatcher.ts";
import { Recorder } from "../../../engine/dispatcher/recorder.ts";
import { Requests } from "../../../engine/dispatcher/requests.ts";
import { Revisions } from "../../../engine/dispatcher/revisions.ts";
import { SagaChanges } from "../../../engine/dispatcher/saga-changes.ts";
import { Starter } from "../../../engine/dispatcher/start.ts";
import { Timers } from "../../../engine/dispatcher/timers.ts";
import { Transitions } from "../../../engine/dispatcher/transitions.ts";
import { Participant } from "../../../engine/participant/participant.ts";
import { connect, type Sql } from "../../../engine/timeline/database.ts";
import { domainUrl } from "../../../engine/timeline/domain-role.ts";
import { migrate } from "../../../engine/timeline/migrate.ts";
import type { Store } from "../../../engine/timeline/store.ts";
import type { Wire } from "../../../engine/timeline/wire.ts";
import type { Delivery, Verdict } from "../../../engine/transport/port.ts";
import { LAB } from "../engine.ts";
import lab from "../lab/lab/domain.ts";
import type { TurnProxy } from "./turn-proxy.ts";

const SILENT = { info() {}, warn() {}, error() {} };
const ASKER = { actor: "test" };

/** A saga of `crossing` that stands at all its branches, and the messages that are there to be delivered. */
export interface Standing {
  readonly sagaId: string;
  readonly note: string;
  readonly timeline: readonly Delivery[];
  readonly commands: readonly Delivery[];
  /** The answer that the dispatcher has not seen. */
  readonly answer: Delivery;
}

/** What of an engine process changes a saga, with connections of its own. */
export interface Parts {
  readonly starter: Starter;
  readonly requests: Requests;
  readonly timers: Timers;
  dispatch(batch: readonly Delivery[]): Promise<readonly Verdict[]>;
  participate(batch: readonly Delivery[]): Promise<void>;
  /** What the participant says of one command. */
  command(delivery: Delivery, alone: boolean): Promise<readonly Verdict[]>;
  close(): Promise<void>;
}

/** The hot transactions, each as one process would run it on a saga that stands. */
export const TRANSACTIONS: Readonly<Record<string, (parts: Parts, standing: Standing) => Promise<unknown>>> = {
  start: ({ starter }, { note }) => start(starter, `${note} once more`),
  "start with the open key": ({ starter }, { note }) => start(starter, note),
  dispatch: (parts, { answer }) => dispatchOwn(parts, answer),
  participate: (parts, { commands }) => parts.participate(commands.slice(1).map(own)),
  timer: ({ timers }) => timers.fire(),
  signal: ({ requests }, { sagaId }) => requests.signal(sagaId, "decided", { ok: true }, ASKER),
  cancel: ({ requests }, { sagaId }) => requests.cancel(sagaId, "changed my mind", ASKER),
  "rewind of the dispatcher": (parts, { timeline }) => parts.dispatch(timeline),
  "rewind of the participant": (parts, { commands }) => parts.participate(commands),
};

/** As the embedded transport hands over what its process has just written; a rewind reads the same from the table. */
function own(delivery: Delivery): Delivery {
  return { ...delivery, own: true };
}

/** As the lanes do: what could not be done among others comes again, and is not its first time then. */
async function dispatchOwn(parts: Parts, answer: Delivery): Promise<readonly Verdict[]> {
  const verdicts = await parts.dispatch([own(answer)]);
  return verdicts[0] === "alone" ? parts.dispatch([answer]) : verdicts;
}

async function start(starter: Starter, note: string) {
  const key = `key of ${note}`;
  const { created } = await starter.start({
    definition: "crossing",
    input: { note },
    duplicate: "return",
    idempotencyKey: key,
    traceparent: null,
  });
  return { created };
}

/** Enters schema, domain, definition and topics. */
export async function prepare(sql: Sql, url: string): Promise<void> {
  await migrate(sql, [
    { schema: "timeline", folder: join(import.meta.dir, "../../../sql") },
    { schema: "lab", folder: join(LAB, "lab/sql") },
  ]);
  await domainUrl(sql, url, "lab");
  const source = await Bun.file(join(import.meta.dir, "crossing.saga.yaml")).text();
  const revision = new Bun.CryptoHasher("sha256").update(source).digest("hex");
  await sql`insert into timeline.definition_revision (name, revision, version, source) values ('crossing', ${revision}, 1, ${source})`;
  await sql`insert into timeline.definition (name, revision, version) values ('crossing', ${revision}, 1)`;
  await sql`
    insert into timeline.topic (name) values ('timeline'), ('lab.one'), ('lab.two'), ('lab.three'), ('lab.undo')
    on conflict do nothing
  `;
  await sql`insert into timeline.consumer_group (consumer_group) values ('dispatcher'), ('lab') on conflict do nothing`;
}

/** A process' parts. `proxy`: through which all its connections go. */
export async function partsOf(sql: Sql, url: string, name: string, proxy?: TurnProxy): Promise<Parts> {
  const through = (address: string) => proxy?.through(address) ?? address;
  const transitionSql = connect(through(url), { max: 1, name });
  const domain = connect(through(await domainUrl(sql, url, "lab")), { max: 1, name, handlerMs: 60_000 });
  const store: Store = {
    sql: transitionSql,
    producer: `dispatcher@${name}`,
    handOver: () => ({ committed: () => {}, abandoned: () => {} }),
  };
  const [revisions, evaluator, changes] = [new Revisions(), createEvaluator(), new SagaChanges()];
  const transitions = new Transitions(revisions, evaluator, name);
  const fail = (error: unknown) => {
    throw error;
  };
  const catalog = catalogOf([lab]);
  const births = new ChildBirths(revisions, evaluator, () => catalog);
  const dispatcher = new Dispatcher(store, transitions, births, changes, name, fail);
  const recorder = new Recorder(store, transitions, changes);
  const participant = new Participant({
    domain: lab,
    catalog,
    store: { ...store, producer: `lab@${name}` },
    batches: domain,
    singles: domain,
    log: SILENT,
    consumer: name,
  }).subscription();
  return {
    starter: new Starter(recorder, revisions, evaluator, () => catalog),
    requests: new Requests(recorder, revisions, () => catalog),
    timers: new Timers(store, transitions, changes, fail),
    dispatch: (batch) => dispatcher.handle(batch, false),
    command: (delivery, alone) => participant.handle([delivery], alone),
    // As the lanes do: what was slow among others goes alone.
    async participate(batch) {
      const verdicts = await participant.handle(batch, false);
      for (const [at, verdict] of verdicts.entries())
        if (verdict === "alone") await participant.handle([batch[at] as Delivery], true);
    },
    async close() {
      await transitionSql.end({ timeout: 5 });
      await domain.end({ timeout: 5 });
    },
  };
}

/** Brings a saga to where all its branches stand: one command done and unheard of, one not run, a deadline that is over. */
export async function stand(sql: Sql, parts: Parts, note: string): Promise<Standing> {
  const begun = { definition: "crossing", input: { note }, duplicate: "return", traceparent: null } as const;
  const { sagaId } = await parts.starter.start(begun);
  const commands = (await deliveries(sql, sagaId)).filter(({ topic }) => topic !== "timeline");
  await parts.participate(commands.slice(0, 1));
  await sql`update timeline.timer set due_at = due_at - interval '2 hours' where saga_id = ${sagaId}`;
  const timeline = (await deliveries(sql, sagaId)).filter(({ topic }) => topic === "timeline");
  return { sagaId, note, timeline, commands, answer: timeline.at(-1) as Delivery };
}

/** Delivers what nobody has consumed until nothing is left, as the transport does. */
export async function rest(sql: Sql, parts: Parts, sagaId: string): Promise<void> {
  for (;;) {
    const open = await sql<{ message_id: string }[]>`
      select r.message_id from timeline.event_request r where r.correlation_id = ${sagaId} and not exists (
        select from timeline.event_consumption c where c.message_id = r.message_id and c.consumed_at is not null and not c.error_flag)
    `;
    if (open.length === 0) return;
    const ids = new Set(open.map(({ message_id }) => message_id));
    for (const delivery of await deliveries(sql, sagaId)) {
      if (!ids.has(delivery.headers["id"] ?? "")) continue;
      if (delivery.topic === "timeline") await parts.dispatch([delivery]);
      else await parts.participate([delivery]);
    }
  }
}

/** Every request of a saga as the transport would bring it. */
async function deliveries(sql: Sql, sagaId: string): Promise<readonly Delivery[]> {
  const rows = await sql<{ wire: Wire }[]>`
    select timeline.wire(r) as wire from timeline.event_request r where correlation_id = ${sagaId} order by message_id
  `;
  return rows.map(({ wire }, offset) => {
    const { topic, key, headers, value, requestedAt } = wire;
    const at = new Date(requestedAt);
    return { topic, partition: 0, offset, recordedAt: at, receivedAt: at, key, headers, value };
  });
}

/** What became of a saga in the end: status, steps, effects, and whether every transition was counted. */
export async function endOf(sql: Sql, sagaId: string): Promise<string> {
  const [row] = await sql<{ seen: unknown }[]>`
    select jsonb_build_object('status', s.status, 'error', s.error, 'uncompensated', s.uncompensated, 'unapplied', s.unapplied,
      'gaps', s.sequence - (select count(distinct c.sequence) from timeline.event_consumption c where c.correlation_id = s.id),
      'steps', (select jsonb_agg(jsonb_build_array(p.path, p.status) order by p.path) from timeline.saga_step p where p.saga_id = s.id),
      'effects', (select jsonb_agg(e.action order by e.action) from lab.effect e where e.saga_id = s.id),
      'undone', (select count(*) from lab.undone u where u.saga_id = s.id),
      'timers', (select count(*) from timeline.timer t where t.saga_id = s.id)) as seen
    from timeline.saga s where s.id = ${sagaId}
  `;
  return JSON.stringify(row?.seen).replace(/[0-7][0-9A-HJKMNP-TV-Z]{25}/g, "ID");
}

/** All that the engine keeps of these sagas, without ids and times. */
export async function stateOf(sql: postgres.Sql | Sql, note: string): Promise<string> {
  const [row] = await (sql as postgres.Sql)<{ seen: unknown }[]>`
    with saga as (
      select s.*, s.input->>'note' <> ${note} as other from timeline.saga s where s.input->>'note' like ${`${note}%`}
    )
    select jsonb_build_object(
      'sagas', (select jsonb_agg(jsonb_build_array(s.other, s.status, s.sequence, s.unapplied, s.output, s.error, s.uncompensated,
        s.state, s.finished_at is not null, exists (select from timeline.saga_open o where o.saga_id = s.id)) order by s.other) from saga s),
      'steps', (select jsonb_agg(jsonb_build_array(s.other, p.path, p.status, p.attempts, p.output, p.error) order by s.other, p.path)
        from saga s join timeline.saga_step p on p.saga_id = s.id),
      'guards', (select jsonb_agg(jsonb_build_array(s.other, g.step_key, g.state, g.code, g.output, g.calls) order by s.other, g.step_key)
        from saga s join timeline.step_guard g on g.saga_id = s.id),
      'timers', (select jsonb_agg(jsonb_build_array(s.other, t.name) order by s.other, t.name)
        from saga s join timeline.timer t on t.saga_id = s.id),
      'signals', (select jsonb_agg(jsonb_build_array(g.signal, g.payload, g.taken_by))
        from saga s join timeline.signal g on g.saga_id = s.id),
      'requests', (select jsonb_agg(r.line order by r.line::text) from (
        select jsonb_build_array(s.other, q.topic, q.message_type, q.step_key, q.action, q.attempt, q.message_body, q.message_headers) as line
        from saga s join timeline.event_request q on q.correlation_id = s.id) r),
      'consumptions', (select jsonb_agg(r.line order by r.line::text) from (
        select jsonb_build_array(s.other, c.consumer_group, q.message_type, q.step_key, c.sequence, c.error_flag, c.error_code,
          c.consumed_at is not null, c.attempts) as line
        from saga s join timeline.event_consumption c on c.correlation_id = s.id
        join timeline.event_request q on q.message_id = c.message_id) r),
      'effects', (select jsonb_agg(jsonb_build_array(e.action, e.step_key) order by e.step_key)
        from saga s join lab.effect e on e.saga_id = s.id)
    ) as seen
  `;
  return JSON.stringify(row?.seen)
    .replace(/[0-7][0-9A-HJKMNP-TV-Z]{25}/g, "ID")
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)/g, "TIME")
    .replaceAll(note, "NOTE");
}
