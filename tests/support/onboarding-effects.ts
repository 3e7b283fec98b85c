import type { Sql } from "postgres";

/** Contracts and the credit that they grant. */
export interface Granted {
  readonly contracts: number;
  readonly credit: string | null;
}

/** What the book of credit granted says. */
export async function inTheBook(sql: Sql): Promise<Granted> {
  const [row] = await sql<Granted[]>`
    select count(*)::int as contracts, sum(credit_granted)::text as credit from contract.book
  `;
  return row as Granted;
}

/** The same from the sagas. Contracts are concluded by the pivot, so none of them is ever cancelled. */
export async function ofCompletedSagas(sql: Sql): Promise<Granted> {
  const [row] = await sql<Granted[]>`
    select count(*)::int as contracts, sum((input->'credit'->>'amount')::numeric)::text as credit
    from timeline.saga where status = 'completed'
  `;
  return row as Granted;
}

/** Entries of the ledger: of notifications, which nobody waits for. */
export async function ledgerEntries(sql: Sql): Promise<number> {
  const [row] = await sql<{ entries: number }[]>`select count(*)::int as entries from ledger.entry`;
  return row?.entries ?? 0;
}

/** What a saga left in the domains' tables, and how many sagas left just that. */
export interface Effects {
  readonly status: string;
  readonly uncompensated: number;
  /** Kind of row → how many of it one saga has. */
  readonly rows: Readonly<Record<string, number>>;
  readonly sagas: number;
}

/** Sagas by their end and their effects: one row for each way to end, so that a single odd saga shows as a row. */
export async function effects(sql: Sql): Promise<readonly Effects[]> {
  const found = await sql<Effects[]>`
    with effect (saga_id, kind) as (
      select split_part(step_key, '/', 1), status from application.application
      union all
      select split_part(step_key, '/', 1), case when voided_at is null then 'screened' else 'voided' end
      from screening.screening
      union all
      select split_part(step_key, '/', 1), 'contract' from contract.contract
      union all
      select split_part(step_key, '/', 1), 'booked' from contract.book
      union all
      select split_part(step_key, '/', 1), 'mail' from notification.outgoing_mail
      union all
      select split_part(step_key, '/', 1), 'entry' from ledger.entry
    ), counted as (
      select saga_id, kind, count(*) as rows from effect group by saga_id, kind
    ), by_saga as (
      select saga_id, jsonb_object_agg(kind, rows) as rows from counted group by saga_id
    ), left_behind as (
      select s.status, jsonb_array_length(s.uncompensated) as uncompensated, by_saga.rows
      from timeline.saga s left join by_saga on by_saga.saga_id = s.id
    )
    select status, uncompensated, rows, count(*)::int as sagas
    from left_behind
    group by status, uncompensated, rows
    order by status, rows
  `;
  return [...found];
}
