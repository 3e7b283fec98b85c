import fc from "fast-check";
import { Kafka, logLevel, type Message } from "kafkajs";
import { Client } from "../support/client.ts";
import { CourseClients, faultsOfCourse } from "../support/course-run.ts";
import { eventually, type TestEngine } from "../support/engine.ts";
import { testStack } from "../support/stack.ts";

const TOPICS = ["timeline", "course.begin", "course.call", "course.pass", "course.finish", "course.asked"];
const TYPES = ["step.requested", "compensation.requested", "step.succeeded", "saga.started", "timer.fired", "x", ""];

/** What a mutation leaves of a header or a key. */
const mutation = fc.constantFrom<(text: string) => string | null>(
  (text) => text,
  (text) => text,
  () => null,
  () => "",
  (text) => `${text}x`,
  (text) => text.slice(1),
  () => "\u0000",
  () => "01M8B3ZK3J2Y2EA2J7VF1BGPBK",
);
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));

/** A message of no program: random bytes, or a true message with something changed. */
const garbage = fc.record({
  topic: fc.constantFrom(...TOPICS),
  kind: fc.constantFrom("bytes", "mutated", "mutated", "copy"),
  of: fc.nat(1_000),
  key: mutation,
  value: fc.oneof(
    bytes,
    fc.json().map((text) => Buffer.from(text)),
    fc.constant(null),
  ),
  header: fc.constantFrom("id", "type", "step_key", "action", "saga", "attempt", "headers"),
  headerValue: mutation,
  random: bytes,
});

interface RequestRow {
  topic: string;
  key: string;
  headers: Record<string, string | null>;
  value: string;
}

/** Sagas beside and after the garbage, each of which must end with each effect once. */
async function amongSagas(engine: TestEngine, name: string, write: () => Promise<void>): Promise<void> {
  const clients = new CourseClients(() => engine.url);
  clients.begin(`${name} beside`, 6);
  await write();
  clients.begin(`${name} after`, 6);
  await clients.answered();
  await eventually(
    "every saga ends, each effect once",
    async () => {
      const faults = await faultsOfCourse(engine.sql);
      if (faults.length > 0) throw new Error(faults.slice(0, 3).join("\n"));
      return true;
    },
    90_000,
  );
  const missing = await missingSagas(engine, clients.sagaIds);
  if (missing.length > 0) throw new Error(`sagas that were accepted are not there: ${missing.join(", ")}`);
  const client = new Client(() => engine.url);
  await eventually(
    "nothing is left to consume",
    async () => {
      const { items } = (await client.ok("GET", "/v1/consumer-groups")) as { items: { group: string; lag: number }[] };
      const behind = items.filter(({ lag }) => lag > 0);
      if (behind.length > 0) throw new Error(JSON.stringify(behind));
      return true;
    },
    90_000,
  );
}

/** Sagas that an answer named and the database does not know. */
export async function missingSagas({ sql }: TestEngine, sagaIds: readonly string[]): Promise<readonly string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from unnest(${sql.array([...sagaIds])}::text[]) id where not exists (select from timeline.saga s where s.id = id.id)
  `;
  return rows.map(({ id }) => id);
}

/** Writes garbage into every topic of Kafka, beside and before sagas that must not mind. Returns how many rows of it are in error. */
export async function fuzzKafka(engine: TestEngine, seed: number, count: number): Promise<number> {
  const producer = new Kafka({
    brokers: [(await testStack()).brokers],
    clientId: "fuzz",
    logLevel: logLevel.NOTHING,
  }).producer();
  const sent: Sent[] = [];
  await producer.connect();
  try {
    const rows = await requestsOf(engine);
    await amongSagas(engine, `seed ${seed}`, async () => {
      const drawn = fc.sample(garbage, { seed, numRuns: count });
      const byTopic = Map.groupBy(drawn, ({ topic }) => topic);
      await Promise.all(
        [...byTopic].map(async ([topic, each]) => {
          // One by one: only so the broker says where each of them lies.
          for (const one of each) {
            const made = messageOf(one, rows);
            const [place] = await producer.send({ topic: engine.prefix + topic, messages: [made.message] });
            const { partition, baseOffset } = place as { partition: number; baseOffset: string };
            sent.push({ topic, partition, offset: Number(baseOffset), id: made.ofRequest });
          }
        }),
      );
    });
  } finally {
    await producer.disconnect();
  }
  const lost = await unaccounted(engine, sent);
  if (sent.length !== count || lost.length > 0)
    throw new Error(
      `of ${sent.length} records ${lost.length} were consumed without a trace: ${JSON.stringify(lost.slice(0, 5))}`,
    );
  return errorsOf(engine);
}

/** A record as it lies in Kafka. `id`: of the request that it may be taken for, since it has its id and key; or null. */
export interface Sent {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly id: string | null;
}

/** Records that left no consumption and no error: by their place, or, what comes again, by the id of what was done already. */
export async function unaccounted({ sql }: TestEngine, sent: readonly Sent[]): Promise<readonly Sent[]> {
  return sql<Sent[]>`
    select s.topic, s.partition, s."offset", s.id
    from jsonb_to_recordset(${sql.json(sent as never)}) as s (topic text, partition integer, "offset" bigint, id text)
    where not exists (
      select from timeline.event_consumption c where c.topic = s.topic
        and (c.partition = s.partition and c."offset" = s."offset" or c.message_id = s.id)
        and (c.consumed_at is not null or c.error_flag))
    order by 1, 2, 3
  `;
}

type Garbage = typeof garbage extends fc.Arbitrary<infer T> ? T : never;

function messageOf(
  { topic, kind, of, key, value, header, headerValue, random }: Garbage,
  rows: readonly RequestRow[],
): { readonly message: Message; readonly ofRequest: string | null } {
  const row = rows[of % rows.length] as RequestRow;
  if (kind === "bytes") {
    const message = { key: random.length === 0 ? null : random, value, headers: { [header]: random } };
    return { message, ofRequest: null };
  }
  const headers = Object.fromEntries(
    Object.entries(row.headers).filter((entry): entry is [string, string] => entry[1] !== null),
  );
  const id = headers["id"] ?? null;
  if (kind === "copy") return { message: { key: row.key, value: row.value, headers }, ofRequest: id };
  const changed = headerValue(headers[header] ?? "");
  if (changed === null) delete headers[header];
  else headers[header] = changed;
  const message = { key: key(row.key), value: value ?? row.value, headers };
  // What may start a saga is known by its id alone, whatever its key is.
  const isLike = topic === "course.asked" || message.key === row.key;
  return { message, ofRequest: isLike ? (headers["id"] ?? null) : null };
}

async function requestsOf({ sql }: TestEngine): Promise<readonly RequestRow[]> {
  const rows = await sql<{ wire: RequestRow }[]>`
    select timeline.wire(r) as wire from timeline.event_request r where topic = any(${TOPICS}) order by message_id limit 500
  `;
  return rows.map(({ wire }) => wire);
}

async function errorsOf({ sql }: TestEngine): Promise<number> {
  const [row] = await sql<{ errors: number }[]>`
    select count(*)::integer as errors from timeline.event_consumption where error_flag
  `;
  return row?.errors ?? 0;
}

/**
 * The same into the embedded transport's outbox, where a message is a row: ids and bodies have a form there, and what
 * stands in it is asked for. So garbage names sagas that are not there, and true messages come again, in any order.
 */
export async function fuzzOutbox(engine: TestEngine, seed: number, count: number): Promise<number> {
  const { sql } = engine;
  const row = fc.record({
    topic: fc.constantFrom(...TOPICS.slice(0, -1)),
    type: fc.constantFrom(...TYPES),
    key: fc.constantFrom("x", "01M8B3ZK3J2Y2EA2J7VF1BGPBK", "日本語", "a".repeat(200)),
    stepKey: fc.constantFrom(null, "", "x", "01M8B3ZK3J2Y2EA2J7VF1BGPBK/first", "/"),
    action: fc.constantFrom(null, "", "begin", "nothing", "seal", "undo"),
    attempt: fc.constantFrom(null, 1, 2_000_000_000),
    body: fc.jsonValue({ maxDepth: 4 }),
    headers: fc.constantFrom(null, {}, { notify: true }, { applied: false }, { timeoutMs: "x" }, { timeoutMs: -1 }),
  });
  await amongSagas(engine, `seed ${seed}`, async () => {
    for (const { topic, type, key, stepKey, action, attempt, body, headers } of fc.sample(row, {
      seed,
      numRuns: count,
    })) {
      const text = JSON.stringify(body).replaceAll("\\u0000", "").toWellFormed();
      await sql`
        insert into timeline.event_request (message_id, correlation_id, topic, message_key, message_type, step_key, action,
          attempt, message_headers, message_body, producer)
        values (timeline.new_ulid(), ${key}, ${topic}, ${key}, ${type}, ${stepKey}, ${action}, ${attempt},
          ${headers === null ? null : sql.json(headers)}, ${text}::text::jsonb, 'fuzz')
      `;
    }
    await sql`
      insert into timeline.event_republish (republish_id, message_id, correlation_id, causation_id, topic, message_key,
        message_type, saga, step_key, action, attempt, traceparent, message_headers, message_body, producer, requested_at)
      select timeline.new_ulid(), r.message_id, r.correlation_id, r.causation_id, r.topic, r.message_key, r.message_type,
        r.saga, r.step_key, r.action, r.attempt, r.traceparent, r.message_headers, r.message_body, r.producer, r.requested_at
      from timeline.event_request r where r.producer <> 'fuzz' order by hashtext(r.message_id || ${String(seed)}) limit 200
    `;
  });
  return errorsOf(engine);
}
