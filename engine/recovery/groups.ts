import { Refusal } from "../core/refusal.ts";
import type { Sql, Tx } from "../timeline/database.ts";
import { newId } from "../timeline/ids.ts";
import type { PartitionOffsets, Transport } from "../transport/port.ts";
import type { GroupControl } from "./group-control.ts";
import { claimOperation, keepOperation, type Operator } from "./operator.ts";

/** A group as a person sees it. */
export interface GroupReport {
  readonly group: string;
  readonly paused: boolean;
  readonly pausedReason: string | null;
  readonly lag: number;
  /** Age of the oldest message that is not consumed yet, whole seconds; null: none waits. */
  readonly lagSeconds: number | null;
  readonly partitions: readonly (PartitionOffsets & { readonly lag: number; readonly owner: string | null })[];
  readonly members: readonly { readonly state: string; readonly inHand: number; readonly problem: string | null }[];
}

/** Consumer groups: what they are, how they stand, pause and resume. */
export class Groups {
  readonly #sql: Sql;
  readonly #transport: Transport;
  readonly #control: GroupControl;
  readonly #known: () => ReadonlyMap<string, readonly string[]>;
  #more: () => ReadonlyMap<string, readonly string[]> = () => new Map();

  /** `known`: group → topics, of every group that there is, whether or not it runs here. */
  constructor(
    sql: Sql,
    transport: Transport,
    control: GroupControl,
    known: () => ReadonlyMap<string, readonly string[]>,
  ) {
    this.#sql = sql;
    this.#transport = transport;
    this.#control = control;
    this.#known = known;
  }

  /** Groups that are not a domain's. */
  alsoKnow(more: () => ReadonlyMap<string, readonly string[]>): void {
    this.#more = more;
  }

  get #topics(): ReadonlyMap<string, readonly string[]> {
    return new Map([...this.#known(), ...this.#more()]);
  }

  /** Makes the rows of all known groups. */
  async register(): Promise<void> {
    const rows = [...this.#topics.keys()].map((name) => ({ name }));
    await this.#sql`
      insert into timeline.consumer_group (consumer_group, paused, held, paused_reason)
      select w.name, i.need is not null, i.need is not null, 'ekiden recover: ' || i.need_detail
      from jsonb_to_recordset(${this.#sql.json(rows)}) as w (name text)
      left join timeline.identity i on i.id = 1
      on conflict do nothing
    `;
  }

  /** @throws Refusal `group.unknown` */
  topicsOf(group: string): readonly string[] {
    const topics = this.#topics.get(group);
    if (topics === undefined) {
      throw new Refusal(
        "group.unknown",
        `there is no consumer group "${group}"`,
        `Known: ${[...this.#topics.keys()].join(", ")}.`,
      );
    }
    return topics;
  }

  async all(): Promise<readonly GroupReport[]> {
    return Promise.all([...this.#topics.keys()].map((group) => this.one(group)));
  }

  async one(group: string): Promise<GroupReport> {
    const topics = this.topicsOf(group);
    const [row] = await this.#sql<{ paused: boolean; paused_reason: string | null }[]>`
      select paused, paused_reason from timeline.consumer_group where consumer_group = ${group}
    `;
    const [offsets, owners] = await Promise.all([
      this.#transport.offsets(group, topics),
      this.#transport.owners(group, topics),
    ]);
    const ownerOf = ({ topic, partition }: PartitionOffsets) =>
      owners.find((one) => one.topic === topic && one.partition === partition)?.owner ?? null;
    const partitions = offsets.map((at) => ({
      ...at,
      lag: Math.max(0, at.end - (at.committed ?? at.earliest)),
      owner: ownerOf(at),
    }));
    const lag = partitions.reduce((sum, one) => sum + one.lag, 0);
    const waitingMs = lag === 0 ? null : await this.#transport.waitingMs(offsets);
    const status = this.#control.member(group)?.status();
    return {
      group,
      paused: row?.paused ?? false,
      pausedReason: row?.paused_reason ?? null,
      lag,
      lagSeconds: waitingMs === null ? null : Math.max(0, Math.round(waitingMs / 1_000)),
      partitions,
      members:
        status === undefined ? [] : [{ state: status.state, inHand: status.inHand, problem: status.problem ?? null }],
    };
  }

  async pause(group: string, reason: string, by: Operator): Promise<void> {
    await this.#set(group, true, reason, by);
  }

  async resume(group: string, reason: string, by: Operator): Promise<void> {
    await this.#set(group, false, reason, by);
  }

  async #set(group: string, paused: boolean, reason: string, by: Operator): Promise<void> {
    this.topicsOf(group);
    const scope = `${paused ? "pause" : "resume"}/${group}`;
    await this.#sql.begin(async (tx) => {
      if ((await claimOperation(tx, scope, by, { reason })) !== null) return;
      if (!paused) await refuseHeld(tx, group);
      const [before] = await tx<{ paused: boolean }[]>`
        select paused from timeline.consumer_group where consumer_group = ${group} for update
      `;
      await tx`
        insert into timeline.consumer_group (consumer_group, paused, paused_reason)
        values (${group}, ${paused}, ${paused ? reason : null})
        on conflict (consumer_group) do update set paused = excluded.paused, paused_reason = excluded.paused_reason, held = false
      `;
      await tx`
        insert into timeline.audit (id, actor, action, target, reason, before, after)
        values (${newId()}, ${by.actor}, ${paused ? "group.pause" : "group.resume"}, ${group}, ${reason},
          ${tx.json({ paused: before?.paused ?? false })}, ${tx.json({ paused })})
      `;
      await keepOperation(tx, scope, by, { paused });
    });
    // Paused means: nothing of it runs in this process any more when the call returns.
    await this.#control.followed(group);
  }
}

/** What a restored database or an emptied Kafka holds is let go by `ekiden recover` alone. */
async function refuseHeld(tx: Tx, group: string): Promise<void> {
  // The row is locked whatever it says: a need declared from here on waits, and holds the group again.
  const [row] = await tx<{ need: string | null; need_detail: string | null }[]>`
    select i.need, i.need_detail from timeline.identity i where i.id = 1 for share
  `;
  if (row === undefined || row.need === null) return;
  const hint = "Run `ekiden recover --preview`, then `ekiden recover --reason …`: it resumes what it finds held.";
  throw new Refusal("group.held", `group ${group} is held: ${row.need_detail}`, hint);
}
