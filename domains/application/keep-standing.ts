import type { TimelineEvent, Tx } from "ekiden";
import { type Standing, stand } from "./standing.ts";

/** Applies one event to `application.standing`, or to the table that is to take its place. Its consumer group is the table's only writer. */
export async function keepStanding(tx: Tx, event: TimelineEvent, table: string): Promise<void> {
  const before = await find(tx, table, event.sagaId);
  const after = stand(before, event);
  // Nothing learned is nothing written: `stand` hands the very row back.
  if (after && after !== before) await save(tx, table, after);
}

/** Empties the read model before it is built again. `delete`, since the domain's role may not truncate. */
export async function emptyStanding(tx: Tx): Promise<void> {
  await tx`delete from application.standing`;
}

interface StandingRow {
  readonly saga_id: string;
  readonly application_no: string;
  readonly standing: Standing["standing"];
  readonly why: string | null;
  readonly since_at: Date;
  readonly started_at: Date;
  readonly facts: Standing["facts"];
}

async function find(tx: Tx, table: string, sagaId: string): Promise<Standing | undefined> {
  const [row] = await tx<StandingRow[]>`
    select saga_id, application_no, standing, why, since_at, started_at, facts
    from ${tx(table)}
    where saga_id = ${sagaId}
  `;
  if (!row) return undefined;
  const { standing, why, facts } = row;
  return {
    sagaId: row.saga_id,
    applicationNo: row.application_no,
    standing,
    why,
    since: row.since_at,
    startedAt: row.started_at,
    facts,
  };
}

async function save(tx: Tx, table: string, row: Standing): Promise<void> {
  await tx`
    insert into ${tx(table)} as standing (saga_id, application_no, standing, why, since_at, started_at, facts)
    values (
      ${row.sagaId}, ${row.applicationNo}, ${row.standing}, ${row.why}, ${row.since}, ${row.startedAt},
      ${tx.json({ ...row.facts })}
    )
    on conflict (saga_id) do update set
      standing = excluded.standing, why = excluded.why, since_at = excluded.since_at, facts = excluded.facts
  `;
}
