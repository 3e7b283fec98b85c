import { failpoint } from "../failpoint.ts";
import { Pause } from "../pause.ts";
import { isNoOutcome, type Sql, type Tx } from "../timeline/database.ts";

/** How often a redrive is looked for, and how often one that runs is carried on, milliseconds. */
const IDLE_MS = 1_000;
const RUNNING_MS = 200;
/** Messages that are out at once: what stops a redrive must be seen before all of it is sent. */
const OUT_MAX = 50;

interface BatchRow {
  id: string;
  status: "first" | "running" | "waiting" | "stopped";
  stop_after_errors: number;
  errors_in_a_row: number;
  /** What the rate lets through now. */
  due: number;
}

interface SettledRow {
  position: number;
  status: "done" | "failed" | "closed";
  message_id: string;
  error_code: string | null;
}

/**
 * Carries redrives out. Every step of one is a transaction under the lock of its row: what became of the messages that
 * are out, and the next ones. Whichever process gets the lock does it, so one that is killed is missed by nobody, and a
 * message is sent in the very transaction that says so.
 */
export class RedriveRunner {
  readonly #sql: Sql;
  readonly #problem: (error: unknown) => void;
  readonly #pause = new Pause();
  #stopped = false;
  #loop: Promise<void> | undefined;

  constructor(sql: Sql, problem: (error: unknown) => void) {
    this.#sql = sql;
    this.#problem = problem;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#pause.end();
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      let open = 0;
      try {
        open = await this.look();
      } catch (error) {
        if (!isNoOutcome(error)) this.#problem(error);
      }
      if (this.#stopped) return;
      await this.#pause.about(open > 0 ? RUNNING_MS : IDLE_MS);
    }
  }

  /**
   * One step of every redrive that is open and that no other process is at. Returns how many there were. One that waits for a
   * person, with no message out, is left alone: each look locks its row, and it may wait for weeks.
   */
  async look(): Promise<number> {
    let looked = 0;
    for (let after: string | null = ""; after !== null && !this.#stopped; looked += 1) after = await this.#step(after);
    return looked - 1;
  }

  /** The redrive behind `after`; null: there is none. */
  async #step(after: string): Promise<string | null> {
    const next = await this.#sql.begin(async (tx) => {
      const [batch] = await tx<BatchRow[]>`
        select id, status, stop_after_errors, errors_in_a_row,
          case when next_at > clock_timestamp() then 0
            else least(floor(extract(epoch from clock_timestamp() - next_at) * rate_per_second) + 1, greatest(rate_per_second, 1))
          end::integer as due
        from timeline.redrive_batch b
        where finished_at is null and id > ${after} and (status <> 'waiting' or exists (
          select from timeline.redrive_item i where i.batch_id = b.id and i.status = 'sent'))
        order by id limit 1
        for update skip locked
      `;
      if (batch === undefined) return null;
      const status = await judge(tx, batch);
      await sendNext(tx, { ...batch, status });
      failpoint("redrive", "after-requests");
      await finish(tx, batch.id);
      return batch.id;
    });
    if (next !== null) failpoint("redrive", "after-commit");
    return next as string | null;
  }
}

/** Sees what became of the messages that are out. Returns the status that follows, which is written. */
async function judge(tx: Tx, batch: BatchRow): Promise<BatchRow["status"]> {
  let { status, errors_in_a_row: errors } = batch;
  const settled = await settle(tx, batch.id);
  let problem: string | null = null;
  for (const item of settled) {
    if (item.status === "failed") errors += 1;
    else if (item.status === "done") errors = 0;
    if (status === "first" && item.status === "done") status = "running";
    const fails = status === "first" ? 1 : batch.stop_after_errors;
    if ((status === "first" || status === "running") && errors >= fails && item.status === "failed") {
      problem = problemOf(status, errors, item);
      status = "waiting";
    }
  }
  if (settled.length > 0) {
    await tx`
      update timeline.redrive_batch set status = ${status}, errors_in_a_row = ${errors},
        problem = coalesce(${problem}, problem)
      where id = ${batch.id}
    `;
  }
  return status;
}

function problemOf(status: "first" | "running", errors: number, { message_id, error_code }: SettledRow): string {
  const what = status === "first" ? "the first message failed again" : `${errors} messages in a row failed again`;
  return `${what}: ${error_code} at ${message_id}`;
}

async function settle(tx: Tx, batchId: string): Promise<readonly SettledRow[]> {
  return tx<SettledRow[]>`
    with settled as (
      update timeline.redrive_item i set settled_at = clock_timestamp(), error_code = c.error_code,
        status = case when c.error_flag then 'failed'
          when c.error_code in ('step.closed', 'message.superseded', 'message.skipped') then 'closed' else 'done' end
      from timeline.event_consumption c
      where i.batch_id = ${batchId} and i.status = 'sent' and c.consumer_group = i.consumer_group
        and c.message_id = i.message_id and c.consumed_at is not null and (not c.error_flag or c.attempts > i.attempts)
      returning i.position, i.status, i.message_id, i.error_code
    )
    select position, status, message_id, error_code from settled order by position
  `;
}

async function sendNext(tx: Tx, { id, status, due }: BatchRow): Promise<void> {
  if (status !== "first" && status !== "running") return;
  const [row] = await tx<{ out: number }[]>`
    select count(*)::integer as out from timeline.redrive_item where batch_id = ${id} and status = 'sent'
  `;
  const out = row?.out ?? 0;
  const count = status === "first" ? 1 - out : Math.min(due, OUT_MAX - out);
  if (count <= 0) return;
  const { count: sent } = await tx`
    with picked as (
      select i.position, i.consumer_group, i.message_id, c.attempts, c.error_code, c.error_flag or c.consumed_at is null as failed
      from timeline.redrive_item i
      left join timeline.event_consumption c on c.consumer_group = i.consumer_group and c.message_id = i.message_id
      where i.batch_id = ${id} and i.status = 'waiting'
      order by i.position limit ${count}
    ), sent as (
      insert into timeline.event_republish (republish_id, message_id, correlation_id, causation_id, topic, message_key,
        message_type, saga, step_key, action, attempt, traceparent, message_headers, message_body, producer, requested_at)
      select timeline.new_ulid(), r.message_id, r.correlation_id, r.causation_id, r.topic, r.message_key, r.message_type,
        r.saga, r.step_key, r.action, r.attempt, r.traceparent, r.message_headers, r.message_body, r.producer, r.requested_at
      from timeline.event_request r
      where r.message_id in (select p.message_id from picked p where p.failed)
      returning republish_id, message_id
    )
    update timeline.redrive_item i set attempts = p.attempts, republish_id = s.republish_id, sent_at = clock_timestamp(),
      status = case when s.republish_id is not null then 'sent'
        when p.error_code = 'message.superseded' or p.failed is distinct from false then 'closed' else 'done' end,
      settled_at = case when s.republish_id is null then clock_timestamp() end,
      error_code = case when s.republish_id is null then p.error_code end
    from picked p left join sent s on s.message_id = p.message_id and p.failed
    where i.batch_id = ${id} and i.position = p.position
  `;
  await tx`
    update timeline.redrive_batch
    set next_at = greatest(next_at, clock_timestamp() - interval '1 second') + ${sent} / rate_per_second * interval '1 second'
    where id = ${id}
  `;
}

/** Over is what has nothing out and nothing left to send, or was stopped. One that waits for a person goes on waiting. */
async function finish(tx: Tx, id: string): Promise<void> {
  await tx`
    update timeline.redrive_batch b set finished_at = clock_timestamp(),
      status = case b.status when 'stopped' then 'stopped' else 'done' end
    where b.id = ${id}
      and not exists (select from timeline.redrive_item i where i.batch_id = b.id and i.status = 'sent')
      and (b.status = 'stopped' or b.status <> 'waiting' and not exists (
        select from timeline.redrive_item i where i.batch_id = b.id and i.status = 'waiting'))
  `;
}
