import type { TestEngine } from "../support/engine.ts";
import { newId } from "../../engine/timeline/ids.ts";

/** More steps than a saga shows at once, and more boxes than a picture draws whole. */
export const TALL = 250;

/** The rows that a saga of many steps leaves behind, all of them undone but the last, which was refused. Returns its id. */
export async function insertTallSaga({ sql }: TestEngine): Promise<string> {
  const steps = Array.from(
    { length: TALL },
    (_none, index) => `  - step: part_${index}\n    command: shop.reserve\n    compensate: shop.release`,
  );
  const source = `saga: tall\nversion: 1\nsteps:\n${steps.join("\n")}\n`;
  const revision = new Bun.CryptoHasher("sha256").update(source).digest("hex");
  await sql`
    insert into timeline.definition_revision (name, version, revision, source) values ('tall', 1, ${revision}, ${source})
    on conflict do nothing
  `;
  const id = newId();
  const error = { code: "refused", message: "no", step: `part_${TALL - 1}` };
  await sql`
    insert into timeline.saga (id, definition, version, revision, status, input, error, finished_at)
    values (${id}, 'tall', 1, ${revision}, 'failed', '{}', ${sql.json(error)}, now())
  `;
  await sql`
    insert into timeline.saga_step (saga_id, path, status, attempts, started_at, finished_at)
    select ${id}, 'part_' || n, case when n = ${TALL - 1} then 'rejected' else 'compensated' end, 1,
      now() + n * interval '1 ms', now() + interval '1 s'
    from generate_series(0, ${TALL - 1}) n
  `;
  return id;
}

/** More messages than two pages of a timeline have. */
export const NOTES = 450;

/** Messages of a saga that nobody consumes, a millisecond apart, each with a body of its own. */
export async function insertNotes({ sql }: TestEngine, sagaId: string): Promise<void> {
  await sql`insert into timeline.topic (name) values ('tall.note') on conflict do nothing`;
  await sql`
    insert into timeline.event_request (message_id, correlation_id, topic, message_key, message_type, saga, step_key,
      message_body, producer, requested_at, traceparent)
    select left(${newId()}, 20) || lpad(n::text, 6, '0'), ${sagaId}, 'tall.note', ${sagaId}, 'step.requested', 'tall',
      ${sagaId} || '/note_' || n, jsonb_build_object('text', 'body of note ' || n), 'test',
      clock_timestamp() + n * interval '1 ms', '00-' || lpad(n::text, 32, '0') || '-00000000000000aa-01'
    from generate_series(0, ${NOTES - 1}) n
  `;
}
