import { isJsonObject, type Json } from "../core/json.ts";
import { programGroup } from "../core/published-domain.ts";
import { Refusal } from "../core/refusal.ts";
import type { Sql, Tx } from "../timeline/database.ts";
import { newId } from "../timeline/ids.ts";
import type { PartitionOffsets, PartitionOwner, Transport } from "../transport/port.ts";
import { elsewhereLag } from "./elsewhere-lag.ts";
import type { GroupControl } from "./group-control.ts";
import { claimOperation, keepOperation, type Operator } from "./operator.ts";
import { takePauseTurn } from "./pause-turn.ts";
import { readerOffsets } from "./reader-offsets.ts";

/** A group as a person sees it. */
export interface GroupReport {
  readonly group: string;
  readonly paused: boolean;
  readonly pausedReason: string | null;
  readonly lag: number;
  /** Age of the oldest message that is not consumed yet, whole seconds; null: none waits. */
  readonly lagSeconds: number | null;
  readonly partitions: readonly GroupPartition[];
  readonly members: readonly { readonly state: string; readonly inHand: number; readonly problem: string | null }[];
}

/** A group once it was paused or resumed. `replayed`: by an earlier call under the same key, and as that one was answered. */
export interface GroupMoved {
  readonly group: GroupReport;
  readonly replayed: boolean;
}

interface GroupPartition extends PartitionOffsets {
  readonly lag: number;
  readonly owner: string | null;
  /** The group in which another program should read it; null: the group itself reads it. */
  readonly reader: string | null;
}

/** What a group has before it. */
interface Standing {
  readonly partitions: readonly GroupPartition[];
  /** Of the oldest message that waits, milliseconds; null: none does. */
  readonly waitingMs: number | null;
}

/** Groups and their topics. */
type Topics = ReadonlyMap<string, readonly string[]>;

/** Consumer groups: what they are, how they stand, pause and resume. */
export class Groups {
  readonly #sql: Sql;
  readonly #transport: Transport;
  readonly #control: GroupControl;
  readonly #known: () => Topics;
  readonly #elsewhere: () => Topics;
  #more: () => Topics = () => new Map();

  /**
   * `known`: the topics of every group that there is, whether or not it runs here. `elsewhere`: those of which another
   * program claims the messages under a group of ours that does not read them.
   */
  constructor(sql: Sql, transport: Transport, control: GroupControl, known: () => Topics, elsewhere: () => Topics) {
    this.#sql = sql;
    this.#transport = transport;
    this.#control = control;
    this.#known = known;
    this.#elsewhere = elsewhere;
  }

  /** Groups that are not a domain's. */
  alsoKnow(more: () => Topics): void {
    this.#more = more;
  }

  get #topics(): Topics {
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

  /** The topics that its members read. @throws Refusal `group.unknown` */
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
    const [own, others] = await Promise.all([this.#read(group, topics), this.#readElsewhere(group)]);
    const partitions = [...own.partitions, ...others.partitions];
    const lag = partitions.reduce((sum, one) => sum + one.lag, 0);
    const waitingMs = oldest([own, others]);
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

  async #read(group: string, topics: readonly string[]): Promise<Standing> {
    const partitions = (await this.#places(group, topics)).map((at) => ({
      ...at,
      lag: Math.max(0, at.end - (at.committed ?? at.earliest)),
      reader: null,
    }));
    const waits = partitions.some(({ lag }) => lag > 0);
    return { partitions, waitingMs: waits ? await this.#transport.waitingMs(partitions) : null };
  }

  /** Counted by what is claimed: which group such a program reads in, it alone knows. */
  async #readElsewhere(group: string): Promise<Standing> {
    const topics = this.#elsewhere().get(group) ?? [];
    const [counted, places] = await Promise.all([
      elsewhereLag(this.#sql, group, topics),
      Promise.all(topics.map((topic) => this.#placesElsewhere(group, topic))),
    ]);
    // A request that waits may lie in any partition: the first one stands for all of them.
    const partitions = places.flatMap((ofTopic) =>
      ofTopic.map((at, index) => ({
        ...at,
        lag: index === 0 ? (counted.find(({ topic }) => topic === at.topic)?.messages ?? 0) : 0,
        // Embedded, whatever there is for others lies in the tables alone.
        owner: this.#transport.kind === "embedded" ? null : at.owner,
        reader: programGroup(at.topic),
      })),
    );
    return { partitions, waitingMs: oldest(counted) };
  }

  async #places(group: string, topics: readonly string[]) {
    return withOwners(
      ...(await Promise.all([this.#transport.offsets(group, topics), this.#transport.owners(group, topics)])),
    );
  }

  async #placesElsewhere(group: string, topic: string) {
    const reader = programGroup(topic);
    // As its offsets, it may be kept from us: it is not known then that anybody reads there.
    const owners = this.#transport.owners(reader, [topic]).catch(() => []);
    return withOwners(...(await Promise.all([readerOffsets(this.#transport, { group, reader }, topic), owners])));
  }

  pause(group: string, reason: string, by: Operator): Promise<GroupMoved> {
    return this.#move(group, true, reason, by);
  }

  resume(group: string, reason: string, by: Operator): Promise<GroupMoved> {
    return this.#move(group, false, reason, by);
  }

  async #move(group: string, paused: boolean, reason: string, by: Operator): Promise<GroupMoved> {
    this.topicsOf(group);
    const scope = `${paused ? "pause" : "resume"}/${group}`;
    const earlier = await this.#set(group, paused, scope, reason, by);
    // Paused means: nothing of it runs in this process any more when the call returns.
    await this.#control.followed(group);
    if (isJsonObject(earlier) && "group" in earlier) return { group: earlier as never, replayed: true };
    const now = await this.one(group);
    // An equal call has set it and has not kept its answer: it was cut off, or is at it.
    if (earlier !== null) return { group: { ...now, paused, pausedReason: paused ? reason : null }, replayed: true };
    await this.#sql.begin((tx) => keepOperation(tx, scope, by, now as never));
    return { group: now, replayed: false };
  }

  /** Returns what an equal call has left. */
  async #set(group: string, paused: boolean, scope: string, reason: string, by: Operator): Promise<Json> {
    return (await this.#sql.begin(async (tx) => {
      const earlier = await claimOperation(tx, scope, by, { reason });
      if (earlier !== null) return earlier;
      if (!paused) await refuseHeld(tx, group);
      if (group === "dispatcher") await takePauseTurn(tx);
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
      return null;
    })) as Json;
  }
}

function withOwners(places: readonly PartitionOffsets[], owners: readonly PartitionOwner[]) {
  const ownerOf = ({ topic, partition }: PartitionOffsets) =>
    owners.find((one) => one.topic === topic && one.partition === partition)?.owner ?? null;
  return places.map((at) => ({ ...at, owner: ownerOf(at) }));
}

function oldest(ages: readonly { readonly waitingMs: number | null }[]): number | null {
  const known = ages.flatMap(({ waitingMs }) => waitingMs ?? []);
  return known.length === 0 ? null : Math.max(...known);
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
