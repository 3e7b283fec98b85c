import type { Sql } from "postgres";

/** One breach. One that is about a saga has `saga_id`. */
export type Breach = Readonly<Record<string, unknown>>;

/** A rule of reliability §2 as a query for the rows that break it. */
export interface Law {
  /** `I1` to `I14`. */
  readonly invariant: string;
  /** Its name too: no two laws say the same. */
  readonly says: string;
  /** SQL after the `with` of `PRELUDE`, each row one breach; or what looks for them itself. */
  readonly breaches: string | ((sql: Sql) => Promise<readonly Breach[]>);
}

/** A law that a run has broken. */
export interface Violation {
  readonly invariant: string;
  readonly says: string;
  readonly count: number;
  readonly rows: readonly Breach[];
}

const SHOWN = 5;

/**
 * What the example domains' tables say took effect and was taken back, one row each; `fresh`: nobody has written the row
 * since, so that its xmin is of the transaction that made it. Steps whose handlers leave no row of their own are not here.
 */
const PRELUDE = `with effect (place, step_key, fresh, xid) as (
    select 'application.application', step_key, status = 'registered', xmin::text::bigint from application.application
    union all select 'screening.screening', step_key, voided_at is null, xmin::text::bigint from screening.screening
    union all select 'contract.contract', step_key, true, xmin::text::bigint from contract.contract
    union all select 'notification.outgoing_mail', step_key, true, xmin::text::bigint from notification.outgoing_mail
    union all select 'ledger.entry', step_key, true, xmin::text::bigint from ledger.entry
    union all select 'carrier.booking', step_key, false, 0 from carrier.booking
    union all select 'payment.authorisation', step_key, status = 'held', xmin::text::bigint from payment.authorisation
    union all select 'stock.reservation', step_key, released_at is null, xmin::text::bigint from stock.reservation
    union all select 'bank.entry', step_key, true, xmin::text::bigint from bank.entry where reverses is null
    union all select 'sales.held_payout', step_key, released_at is null, xmin::text::bigint from sales.held_payout
    union all select 'sales.settlement', step_key, true, xmin::text::bigint from sales.settlement
    union all select 'card.payment', step_key, true, xmin::text::bigint from card.payment
    union all select 'subscription.letter', step_key, true, xmin::text::bigint from subscription.letter
    union all select 'north.effect', step_key, true, xmin::text::bigint from north.effect
    union all select 'south.effect', step_key, true, xmin::text::bigint from south.effect where action <> 'end'
    union all select 'outside', step_key, false, 0 from checker.outside where booked
  ), undone (place, step_key, fresh, xid) as (
    select 'application.application', step_key, true, xmin::text::bigint from application.application where status = 'cancelled'
    union all select 'screening.screening', step_key, true, xmin::text::bigint from screening.screening where voided_at is not null
    union all select 'carrier.booking', step_key, true, xmin::text::bigint from carrier.booking where cancelled_at is not null
    union all select 'payment.authorisation', step_key, true, xmin::text::bigint from payment.authorisation where status = 'released'
    union all select 'stock.reservation', step_key, true, xmin::text::bigint from stock.reservation where released_at is not null
    union all select 'bank.entry', o.step_key, true, r.xmin::text::bigint from bank.entry r join bank.entry o on o.id = r.reverses
    union all select 'sales.held_payout', step_key, true, xmin::text::bigint from sales.held_payout where released_at is not null
    union all select 'north.undone', step_key, true, xmin::text::bigint from north.undone
    union all select 'south.undone', step_key, true, xmin::text::bigint from south.undone
    union all select 'outside', step_key, false, 0 from checker.outside where booked and void
  ), leaves_row (topic) as (
    values ('application.register'), ('screening.examine'), ('contract.conclude'), ('notification.mail'), ('ledger.contracted'),
      ('carrier.book'), ('payment.authorise'), ('stock.reserve'), ('bank.debit'), ('bank.credit'), ('sales.hold_payout'),
      ('sales.book_settlement'), ('card.charge'), ('subscription.ask'), ('north.begin'), ('north.finish'), ('south.pass'),
      ('abroad.book')
  ), step (step_key, saga_id, topic, is_notify, sent) as (
    select step_key, min(correlation_id), min(topic), bool_or(coalesce(message_headers->>'notify', '') = 'true'), count(*)
    from timeline.event_request where message_type = 'step.requested' group by step_key
  ), moved (message_id, saga_id, sequence) as (
    select message_id, correlation_id, sequence from timeline.event_consumption
    where consumer_group = 'dispatcher' and sequence is not null
  ), gone_back (saga_id) as (
    select s.id from timeline.saga s left join timeline.saga p on p.id = s.parent_id
    where s.status in ('failed', 'cancelled') or s.status = 'completed' and p.status in ('failed', 'cancelled')
  )`;

/** Runs one law. Undefined: it holds. */
export async function broken(sql: Sql, law: Law): Promise<Violation | undefined> {
  const { breaches } = law;
  const rows: readonly Breach[] =
    typeof breaches === "string" ? await sql.unsafe<Breach[]>(`${PRELUDE}\n${breaches}`) : await breaches(sql);
  if (rows.length === 0) return undefined;
  return { invariant: law.invariant, says: law.says, count: rows.length, rows: rows.slice(0, SHOWN) };
}
