import { Refusal } from "../core/refusal.ts";
import type { Sql, Tx } from "../timeline/database.ts";
import { newId } from "../timeline/ids.ts";
import { claimOperation, keepOperation, type Operator } from "./operator.ts";
import { countSelection, type Found, freezeSelection, type RedriveSelection } from "./redrive-selection.ts";

/** How a redrive is carried out. */
export interface RedrivePace {
  readonly ratePerSecond: number;
  /** Failures in a row that stop it. */
  readonly stopAfterErrors: number;
}

interface BatchRow {
  status: string;
}

/** Redrives of many messages, as a person asks for them. `RedriveRunner` carries them out, in whichever process. */
export class RedriveBatches {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** What a selection comes to; nothing is written. */
  preview(selection: RedriveSelection): Promise<Found> {
    return countSelection(this.#sql, selection);
  }

  /** Freezes the selection as rows and begins with its first message. Returns its id. @throws Refusal `redrive.nothing` */
  async create(selection: RedriveSelection, pace: RedrivePace, reason: string, by: Operator): Promise<string> {
    const id = newId();
    const asked = { selection: { ...selection }, pace: { ...pace }, reason } as never;
    const created = await this.#sql.begin(async (tx) => {
      const earlier = await claimOperation(tx, "redrives", by, asked);
      if (earlier !== null) return earlier as string;
      await tx`
        insert into timeline.redrive_batch (id, actor, reason, selection, rate_per_second, stop_after_errors, total)
        values (${id}, ${by.actor}, ${reason}, ${tx.json({ ...selection } as never)}, ${pace.ratePerSecond},
          ${pace.stopAfterErrors}, 0)
      `;
      const total = await freezeSelection(tx, id, selection);
      if (total === 0) throw nothing();
      await tx`update timeline.redrive_batch set total = ${total} where id = ${id}`;
      await audit(tx, by, "redrive.create", id, reason, null, { total });
      await keepOperation(tx, "redrives", by, id);
      return id;
    });
    return created as string;
  }

  /**
   * Sends the rest although the first has not gone well, or failures have stopped it, and behind it once more what has
   * failed: in front of it, messages that fail for ever would stop it again and again. @throws Refusal `redrive.*`
   */
  async goOn(id: string, reason: string, by: Operator): Promise<void> {
    await this.#change(id, "continue", reason, by, async (tx, before) => {
      if (before === "running") {
        throw new Refusal("redrive.not-waiting", `redrive ${id} is running`, "It needs nobody; `stop` ends it.");
      }
      await tx`
        update timeline.redrive_batch set status = 'running', errors_in_a_row = 0, problem = null where id = ${id}
      `;
      await tx`
        with behind as (
          select i.position, (select max(l.position) from timeline.redrive_item l where l.batch_id = ${id})
            + (row_number() over (order by i.position))::integer as place
          from timeline.redrive_item i where i.batch_id = ${id} and i.status = 'failed'
        )
        update timeline.redrive_item i set position = b.place, status = 'waiting', error_code = null, settled_at = null
        from behind b where i.batch_id = ${id} and i.position = b.position
      `;
      return "running";
    });
  }

  /** Sends nothing more of it. What is on its way arrives. @throws Refusal `redrive.*` */
  async stop(id: string, reason: string, by: Operator): Promise<void> {
    await this.#change(id, "stop", reason, by, async (tx) => {
      await tx`update timeline.redrive_batch set status = 'stopped' where id = ${id}`;
      return "stopped";
    });
  }

  async #change(
    id: string,
    verb: "continue" | "stop",
    reason: string,
    by: Operator,
    act: (tx: Tx, before: string) => Promise<string>,
  ): Promise<void> {
    const scope = `redrives/${verb}/${id}`;
    await this.#sql.begin(async (tx) => {
      // The same lock under which it is carried out: no step of it is half done.
      const [batch] = await tx<BatchRow[]>`select status from timeline.redrive_batch where id = ${id} for update`;
      if (batch === undefined) throw unknownRedrive(id);
      if ((await claimOperation(tx, scope, by, { reason })) !== null) return;
      if (batch.status === "done" || batch.status === "stopped") {
        throw new Refusal("redrive.ended", `redrive ${id} is ${batch.status}`, "Ask for another: POST /v1/redrives.");
      }
      const after = await act(tx, batch.status);
      await audit(tx, by, `redrive.${verb}`, id, reason, { status: batch.status }, { status: after });
      await keepOperation(tx, scope, by, { status: after });
    });
  }
}

function audit(tx: Tx, by: Operator, action: string, id: string, reason: string, before: object | null, after: object) {
  return tx`
    insert into timeline.audit (id, actor, action, target, reason, before, after)
    values (${newId()}, ${by.actor}, ${action}, ${id}, ${reason}, ${before === null ? null : tx.json(before as never)},
      ${tx.json(after as never)})
  `;
}

/** The refusal of a redrive that does not exist. */
function unknownRedrive(id: string): Refusal {
  return new Refusal("redrive.unknown", `there is no redrive ${id}`, "GET /v1/redrives lists them.");
}

function nothing(): Refusal {
  return new Refusal(
    "redrive.nothing",
    "no failed message that is still wanted fits",
    "GET /v1/messages?error=true shows what failed; a preview counts before anything is sent.",
  );
}
