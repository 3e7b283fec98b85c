import { EngineError } from "../core/error.ts";
import type { Sql } from "./database.ts";
import { boundLocks } from "./hold-tables.ts";
import { type Holder, holdersOf, holdersText, isInTheWay, wayOut } from "./lock-holders.ts";
import { IN_THE_WAY_MAX_MS, LockWait, type Say } from "./lock-wait.ts";

/** The outbox has no partitions ahead, since somebody holds what making one needs. */
class PartitionsError extends EngineError {
  readonly code = "database.partitions";
  readonly hint: string;

  constructor(holders: readonly Holder[], cause: unknown) {
    const by = holders.length === 0 ? "" : ` by ${holdersText(holders)}`;
    const message = cause instanceof Error ? cause.message : String(cause);
    super(`the next partitions of the outbox could not be made: timeline.event_request is in use${by}: ${message}`, {
      cause,
    });
    this.hint = `${wayOut(holders)} Then start again; an engine that runs tries again by itself, every 6 hours.`;
  }
}

/** A partition is made with all of the outbox held, and a share of the table that it points at. */
const WANTED = {
  tables: [
    { table: "timeline.event_request", readable: false },
    { table: "timeline.topic", readable: true },
  ],
  turn: "ensure_partitions",
};

/** How long it is tried where nobody needs them yet: no longer than all tries are so short that they hold nobody up. */
const NOT_NEEDED_MS = 15_000;

/**
 * Makes the next monthly partitions of the outbox, where any is missing. Whoever comes to the outbox waits behind one who waits
 * for all of it: so that is done in short tries, as with a migration. Partitions reach months ahead: while the next one is there,
 * one that reads all of the outbox for an hour, as a backup does, keeps no engine from starting.
 * @throws EngineError `database.partitions`
 */
export async function ensurePartitions(sql: Sql, say: Say, withinMs = IN_THE_WAY_MAX_MS): Promise<void> {
  const needed = await lacksNext(sql);
  const boundMs = needed ? withinMs : Math.min(withinMs, NOT_NEEDED_MS);
  const wait = new LockWait(sql, "making the next partitions of the outbox", boundMs, say);
  wait.begin();
  for (;;) {
    try {
      await makeMissing(sql, wait);
      return wait.end();
    } catch (error) {
      if (!isInTheWay(error)) throw error;
      if (await wait.again(WANTED, "timeline.event_request")) continue;
      const failure = new PartitionsError(await holdersOf(sql, WANTED), error);
      if (needed) throw failure;
      return say(`${failure.message}. None is needed yet: it is tried again at the next start, and every 6 hours`);
    }
  }
}

/** Whether the outbox has no partition for in 20 days. */
async function lacksNext(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ lacks: boolean }[]>`
    select to_regclass('timeline.event_request_' || to_char((clock_timestamp() at time zone 'UTC') + interval '20 days', 'YYYYMM'))
      is null as lacks
  `;
  return row?.lacks ?? true;
}

async function makeMissing(sql: Sql, wait: LockWait): Promise<void> {
  await sql.begin(async (tx) => {
    await boundLocks(tx, await wait.boundOfTry(tx));
    await tx`select timeline.ensure_partitions()`;
  });
}
