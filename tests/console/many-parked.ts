import type { TestEngine } from "../support/engine.ts";

/** One more than a redrive takes. */
export const MANY = 1_001;

/** As many sagas, parked alike at a message that nobody of this engine consumes. */
export async function insertManyParked({ sql }: TestEngine): Promise<void> {
  const source = "saga: many\nversion: 1\nsteps:\n  - command: shop.reserve\n";
  const revision = new Bun.CryptoHasher("sha256").update(source).digest("hex");
  await sql`
    insert into timeline.definition_revision (name, version, revision, source) values ('many', 1, ${revision}, ${source})
  `;
  await sql`insert into timeline.topic (name) values ('nobody.reserve') on conflict do nothing`;
  const error = { code: "too_many", message: "no room", step: "reserve" };
  await sql`
    with sagas as (
      insert into timeline.saga (id, definition, version, revision, status, key, input, error)
      select timeline.new_ulid(), 'many', 1, ${revision}, 'parked', 'M-' || n, '{}', ${sql.json(error)}
      from generate_series(1, ${MANY}) n
      returning id, key
    ), open as (
      insert into timeline.saga_open (saga_id, definition, key, status) select id, 'many', key, 'parked' from sagas
    ), commands as (
      insert into timeline.event_request (message_id, correlation_id, topic, message_key, message_type, saga, step_key,
        message_body, producer)
      select timeline.new_ulid(), id, 'nobody.reserve', id, 'step.requested', 'many', id || '/reserve',
        '{"input":{}}', 'test'
      from sagas
      returning message_id, correlation_id, topic
    )
    insert into timeline.event_consumption (consumer_group, message_id, correlation_id, topic, consumer, error_flag,
      error_code)
    select 'nobody', message_id, correlation_id, topic, 'test', true, 'too_many' from commands
  `;
}
