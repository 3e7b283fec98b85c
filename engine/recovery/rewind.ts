import { Refusal } from "../core/refusal.ts";
import type { Sql, Tx } from "../timeline/database.ts";
import { newId } from "../timeline/ids.ts";
import type { Transport } from "../transport/port.ts";
import type { GroupControl } from "./group-control.ts";
import type { Groups } from "./groups.ts";
import { claimOperation, earlierOperation, keepOperation, type Operator } from "./operator.ts";
import { lockWaiting, notePassedOver, passedOver } from "./passed-over.ts";
import { refuseExpired, type RewindPart, RewindPreview, skips, type Target } from "./rewind-preview.ts";

/** How long the owner of a partition may take to carry a rewind out, milliseconds. */
const DONE_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 50;
/** Rounds after which a request that nobody has taken may be one of a group without members. */
const IDLE_AFTER_ROUNDS = 20;

/** What was asked for: one request a partition. Kept as the answer of the call's Idempotency-Key. */
interface Asked {
  readonly ids: readonly string[];
  readonly parts: readonly RewindPart[];
}

interface RequestRow {
  id: string;
  topic: string;
  partition: number;
  offset: number;
  skip: boolean;
  done_at: Date | null;
  problem: string | null;
}

/** Moves a group's offsets back. Always safe: what was done is skipped, what was given up stays given up (S18). */
export class Rewind {
  readonly #sql: Sql;
  readonly #transport: Transport;
  readonly #control: GroupControl;
  readonly #preview: RewindPreview;

  constructor(sql: Sql, transport: Transport, control: GroupControl, groups: Groups) {
    this.#sql = sql;
    this.#transport = transport;
    this.#control = control;
    this.#preview = new RewindPreview(sql, transport, groups);
  }

  /** What a rewind would do; nothing moves. @throws Refusal `group.*` */
  preview(group: string, target: Target): Promise<readonly RewindPart[]> {
    return this.#preview.look(group, target);
  }

  /** Carries it out; resolves when every partition's committed offset has moved. @throws Refusal `group.*` */
  async rewind(group: string, target: Target, reason: string, by: Operator): Promise<readonly RewindPart[]> {
    const earlier = await earlierOperation(this.#sql, scopeOf(group), by, { target: { ...target }, reason } as never);
    const asked = (earlier as Asked | null) ?? (await this.#ask(group, target, reason, by));
    this.#control.nudge();
    // Also when an equal call has asked for it: it may have gone away before it was done.
    await this.#carriedOut(group, asked.ids);
    return asked.parts;
  }

  async #ask(group: string, target: Target, reason: string, by: Operator): Promise<Asked> {
    const parts = await this.preview(group, target);
    refuseExpired(parts, target);
    const passed = skips(target) ? await passedOver(this.#sql, this.#transport, group, parts) : [];
    if (passed === null) throw failure(group, "what it would pass over could not be read; nothing was moved");
    return (await this.#sql.begin(async (tx) => {
      await lockWaiting(tx, group, passed);
      const asked = await request(tx, group, target, parts, reason, by);
      await notePassedOver(tx, group, passed, by.actor);
      return asked;
    })) as Asked;
  }

  async #carriedOut(group: string, ids: readonly string[]): Promise<void> {
    const deadline = performance.now() + DONE_WITHIN_MS;
    let why = "a handler in progress still holds it up; it is carried out when that ends";
    for (let round = 1; ; round += 1) {
      const rows = await this.#sql<RequestRow[]>`
        select id, topic, partition, "offset", skip, done_at, problem from timeline.rewind_request
        where id = any (${this.#sql.array([...ids])}::text[])
      `;
      const failed = rows.find((row) => row.problem !== null);
      if (failed !== undefined) throw failure(group, failed.problem as string);
      const open = rows.filter((row) => row.done_at === null);
      if (open.length === 0) return;
      if (round % IDLE_AFTER_ROUNDS === 0) why = (await this.#moveIdle(group, open)) ?? why;
      if (performance.now() > deadline) throw failure(group, why);
      await Bun.sleep(LOOK_EVERY_MS);
    }
  }

  /**
   * Nobody took it for a while: perhaps the group has no member at all, then the offset is moved from here. Returns why
   * that was not possible, unless it is a member that will take it.
   */
  async #moveIdle(group: string, rows: readonly RequestRow[]): Promise<string | undefined> {
    for (const { id, topic, partition, offset, skip } of rows) {
      try {
        await this.#transport.moveIdle(group, topic, partition, offset, skip);
      } catch (error) {
        const hasMembers = error instanceof Error && "code" in error && error.code === "kafka.group-has-members";
        if (hasMembers && this.#control.member(group) === undefined) return HELD_ELSEWHERE;
        return hasMembers || !(error instanceof Error) ? undefined : error.message;
      }
      await this.#sql`
        update timeline.rewind_request set done_at = clock_timestamp() where id = ${id} and done_at is null
      `;
    }
    return undefined;
  }
}

async function request(
  tx: Tx,
  group: string,
  target: Target,
  parts: readonly RewindPart[],
  reason: string,
  by: Operator,
): Promise<Asked> {
  const scope = scopeOf(group);
  const earlier = await claimOperation(tx, scope, by, { target: { ...target }, reason } as never);
  if (earlier !== null) return earlier as unknown as Asked;
  const rows = parts.map(({ topic, partition, to }) => ({ id: newId(), topic, partition, offset: to }));
  await tx`
    insert into timeline.rewind_request (id, consumer_group, topic, partition, "offset", skip)
    select w.id, ${group}, w.topic, w.partition, w."offset", ${skips(target)}
    from jsonb_to_recordset(${tx.json(rows)}) as w (id text, topic text, partition integer, "offset" bigint)
  `;
  await tx`
    insert into timeline.audit (id, actor, action, target, reason, before, after)
    values (${newId()}, ${by.actor}, 'group.rewind', ${group}, ${reason},
      ${tx.json(parts.map(({ topic, partition, from }) => ({ topic, partition, offset: from })))},
      ${tx.json(parts.map(({ topic, partition, to }) => ({ topic, partition, offset: to })))})
  `;
  const asked: Asked = { ids: rows.map(({ id }) => id), parts };
  await keepOperation(tx, scope, by, asked as never);
  return asked;
}

/** Another process of the engine takes the request up; a program knows nothing of it. */
const HELD_ELSEWHERE =
  "members outside this process still hold it: if it is a program outside the engine, stop all its processes, rewind, and start them again; another engine process carries it out when its handlers in progress have ended";

function scopeOf(group: string): string {
  return `rewind/${group}`;
}

function failure(group: string, problem: string): Refusal {
  return new Refusal(
    "group.rewind-failed",
    `group ${group} was not rewound completely: ${problem}`,
    "Look at GET /v1/consumer-groups and try again.",
  );
}
