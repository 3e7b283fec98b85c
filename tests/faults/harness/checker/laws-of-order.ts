import type { Sql } from "postgres";

import type { Breach, Law } from "./law.ts";

interface Sent {
  readonly saga_id: string;
  readonly path: string;
  /** The transition that first sent the command, and the one that first sent the compensation. */
  readonly sent: number;
  readonly undo: number | null;
  /** The transition of the compensation's answer. */
  readonly undone: number | null;
}

/** Definitions, and of each the step that cannot be taken back. */
const PIVOTS = `('onboarding', 'contract'), ('order', 'ship'), ('settlement', 'book'), ('renewal', 'charge')`;

async function compensations(sql: Sql): Promise<readonly Breach[]> {
  const found = await sql<Sent[]>`
    with moved as (
      select message_id, sequence from timeline.event_consumption where consumer_group = 'dispatcher' and sequence is not null
    )
    select r.correlation_id as saga_id, substr(r.step_key, 28) as path,
      min(m.sequence) filter (where r.message_type = 'step.requested')::integer as sent,
      min(m.sequence) filter (where r.message_type = 'compensation.requested')::integer as undo,
      min(o.sequence) filter (where r.message_type like 'compensation.s%')::integer as undone
    from timeline.event_request r
    left join moved m on m.message_id = r.causation_id
    left join moved o on o.message_id = r.message_id
    where r.step_key is not null
    group by 1, 2 having bool_or(r.message_type = 'compensation.requested')
  `;
  const bySaga = Map.groupBy(found, ({ saga_id }) => saga_id);
  return [...bySaga.values()].flatMap((steps) => steps.flatMap((later) => outOfOrder(later, steps)));
}

/** Steps that came before one in the same branch and were taken back before its own compensation was answered. */
function outOfOrder(later: Sent, steps: readonly Sent[]): readonly Breach[] {
  return steps
    .filter((earlier) => earlier.sent < later.sent && !areBesides(earlier.path, later.path))
    .filter((earlier) => earlier.undo !== null && (later.undone === null || earlier.undo < later.undone))
    .map((earlier) => ({
      saga_id: later.saga_id,
      first: earlier.path,
      then: later.path,
      undo_of_first: earlier.undo,
      undone_then: later.undone,
    }));
}

/** Whether two steps stand in different branches of one block. Names of blocks and of branches take turns in a path. */
function areBesides(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => path.replaceAll("[", "/[").split("/")) as [string[], string[]];
  const parting = a.findIndex((name, at) => name !== b[at]);
  return parting > 0 && parting % 2 === 1 && b[parting] !== undefined;
}

/** I4: which way a saga goes. */
export const LAWS_OF_ORDER: readonly Law[] = [
  {
    invariant: "I4",
    says: "compensations go the other way, one at a time",
    breaches: compensations,
  },
  {
    invariant: "I4",
    says: "nothing goes forward after the failure",
    breaches: `select f.correlation_id as saga_id, r.step_key as "forwardAfterFailure", m.sequence as sent, t.sequence as turned
      from timeline.event_request f join moved t on t.message_id = f.causation_id
      join timeline.event_request r on r.correlation_id = f.correlation_id and r.message_type = 'step.requested'
      join moved m on m.message_id = r.causation_id
      where f.message_type = 'saga.compensating' and m.sequence > t.sequence and r.step_key not like '%/compensate/%'`,
  },
  {
    invariant: "I4",
    says: "nothing goes back after the pivot",
    breaches: `select s.id as saga_id, r.step_key as "backAfterPivot", b.sequence as sent, m.sequence as passed
      from timeline.saga s join (values ${PIVOTS}) pivot (definition, path) using (definition)
      join timeline.event_request a on a.step_key = s.id || '/' || pivot.path and a.message_type = 'step.succeeded'
      join moved m on m.message_id = a.message_id
      join timeline.event_request r on r.correlation_id = s.id and r.message_type = 'compensation.requested'
      join moved b on b.message_id = r.causation_id
      where b.sequence >= m.sequence`,
  },
];
