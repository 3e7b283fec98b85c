import type { Json } from "../core/json.ts";
import { Refusal } from "../core/refusal.ts";
import type { Sql } from "../timeline/database.ts";
import { newId } from "../timeline/ids.ts";
import type { PartitionOffsets, Transport } from "../transport/port.ts";
import type { GroupControl } from "./group-control.ts";
import type { Groups } from "./groups.ts";
import { claimOperation, keepOperation, type Operator } from "./operator.ts";

/** How long the owner of a partition may take to carry a rewind out, milliseconds. */
const DONE_WITHIN_MS = 30_000;

export type Target =
  | { readonly topic: string; readonly partition: number; readonly offset: number; readonly skip?: boolean }
  | { readonly messageId: string }
  | { readonly timestamp: string }
  | { readonly firstError: true };

/** One partition of a rewind, and what it will do. */
export interface RewindPart {
  readonly topic: string;
  readonly partition: number;
  readonly from: number | null;
  readonly to: number;
  readonly done: number;
  readonly run: number;
  readonly closed: number;
  readonly waiting: number;
}

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Moves a group's offsets back. Always safe: what was done is skipped, what was given up stays given up (S18). */
export class Rewind {
  readonly #sql: Sql;
  readonly #transport: Transport;
  readonly #control: GroupControl;
  readonly #groups: Groups;

  constructor(sql: Sql, transport: Transport, control: GroupControl, groups: Groups) {
    this.#sql = sql;
    this.#transport = transport;
    this.#control = control;
    this.#groups = groups;
  }

  /** What a rewind would do; nothing moves. @throws Refusal `group.*` */
  async preview(group: string, target: Target): Promise<readonly RewindPart[]> {
    const topics = this.#groups.topicsOf(group);
    const places = await this.#places(group, topics, target);
    const offsets = await this.#transport.offsets(group, topics);
    return Promise.all(places.map((place) => this.#part(group, target, place, offsets)));
  }

  /** Carries it out; resolves when every partition's committed offset has moved. @throws Refusal `group.*` */
  async rewind(group: string, target: Target, reason: string, by: Operator): Promise<readonly RewindPart[]> {
    const parts = await this.preview(group, target);
    const request = await this.#request(group, target, parts, reason, by);
    if ("earlier" in request) return request.earlier;
    this.#control.nudge();
    await this.#carriedOut(group, request.ids, parts, skips(target));
    return parts;
  }

  async #places(group: string, topics: readonly string[], target: Target): Promise<Place[]> {
    if ("topic" in target) {
      if (!topics.includes(target.topic)) {
        throw new Refusal(
          "group.offset-out-of-range",
          `group ${group} does not consume ${target.topic}`,
          `It consumes ${topics.join(", ")}.`,
        );
      }
      return [target];
    }
    if ("messageId" in target) return this.#placeOfMessage(group, target.messageId);
    if ("timestamp" in target) return this.#placesAt(topics, new Date(target.timestamp));
    return this.#firstErrors(group);
  }

  async #placesAt(topics: readonly string[], at: Date): Promise<Place[]> {
    const found = await Promise.all(
      topics.map(async (topic) => (await this.#transport.offsetsAt(topic, at)).map((place) => ({ topic, ...place }))),
    );
    return found.flat();
  }

  async #placeOfMessage(group: string, messageId: string): Promise<Place[]> {
    const rows = await this.#sql<Place[]>`
      select topic, partition, "offset" from timeline.event_consumption
      where consumer_group = ${group} and message_id = ${messageId} and partition is not null
    `;
    if (rows.length === 0) throw nothing(`group ${group} has not consumed message ${messageId}`);
    return [...rows];
  }

  /** The oldest row in error whose step is not settled: one place for each partition that has one. */
  async #firstErrors(group: string): Promise<Place[]> {
    const rows = await this.#sql<Place[]>`
      select c.topic, c.partition, min(c."offset") as "offset"
      from timeline.event_consumption c
      left join timeline.event_request r on r.message_id = c.message_id
      left join timeline.step_guard g on g.step_key = r.step_key
      where c.consumer_group = ${group} and c.error_flag and c.partition is not null and r.message_id is not null
        and (r.step_key is null or g.state is null or g.state = 'started'
          or (r.message_type = 'compensation.requested' and g.state in ('done', 'unknown', 'compensating')))
      group by c.topic, c.partition
      order by c.topic, c.partition
    `;
    if (rows.length === 0) throw nothing(`group ${group} has no failed message that is still wanted`);
    return [...rows];
  }

  async #part(group: string, target: Target, place: Place, offsets: readonly PartitionOffsets[]): Promise<RewindPart> {
    const { topic, partition } = place;
    const at = offsets.find((candidate) => candidate.topic === topic && candidate.partition === partition);
    if (at === undefined || place.offset < at.earliest || place.offset > at.end) {
      const range = at === undefined ? "there is no such partition" : `the topic holds ${at.earliest} to ${at.end}`;
      const hint = "A message older than the topic keeps is sent again from the event store by `ekiden redrive`.";
      throw new Refusal("group.offset-out-of-range", `${topic}/${partition} at ${place.offset}: ${range}`, hint);
    }
    const stands = at.committed ?? at.earliest;
    if (isForward(target, stands)) throw forward(group, place, stands);
    const offset = skips(target) ? place.offset : Math.min(place.offset, stands);
    const counts = await this.#count(group, { ...place, offset });
    const waiting = Math.max(0, at.end - Math.max(offset, stands));
    // What lies before the committed offset and has no row is nothing of this group's: it is passed over like what is done.
    const done = Math.max(0, Math.min(at.end, stands) - offset - counts.run - counts.closed);
    return { topic, partition, from: at.committed, to: offset, run: counts.run, closed: counts.closed, done, waiting };
  }

  async #count(group: string, { topic, partition, offset }: Place) {
    const [row] = await this.#sql<{ run: number; closed: number }[]>`
      select count(*) filter (where w.wanted and w.open) as run,
        count(*) filter (where w.wanted and not w.open) as closed
      from (
        select c.error_flag or c.consumed_at is null as wanted,
          r.step_key is null or g.state is null or g.state = 'started'
            or (r.message_type = 'compensation.requested' and g.state in ('done', 'unknown', 'compensating')) as open
        from timeline.event_consumption c
        left join timeline.event_request r on r.message_id = c.message_id
        left join timeline.step_guard g on g.step_key = r.step_key
        where c.consumer_group = ${group} and c.topic = ${topic} and c.partition = ${partition} and c."offset" >= ${offset}
      ) w
    `;
    return row ?? { run: 0, closed: 0 };
  }

  async #request(
    group: string,
    target: Target,
    parts: readonly RewindPart[],
    reason: string,
    by: Operator,
  ): Promise<{ readonly ids: readonly string[] } | { readonly earlier: readonly RewindPart[] }> {
    const asked: Json = { target: { ...target }, reason };
    const rows = parts.map(({ topic, partition, to }) => ({ id: newId(), topic, partition, offset: to }));
    const request = await this.#sql.begin(async (tx) => {
      const earlier = await claimOperation(tx, `rewind/${group}`, by, asked);
      if (earlier !== null) return { earlier: earlier as unknown as readonly RewindPart[] };
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
      await keepOperation(
        tx,
        `rewind/${group}`,
        by,
        parts.map((part) => ({ ...part })),
      );
      return { ids: rows.map(({ id }) => id) };
    });
    return request as { readonly ids: readonly string[] };
  }

  async #carriedOut(group: string, ids: readonly string[], parts: readonly RewindPart[], skip: boolean): Promise<void> {
    const deadline = performance.now() + DONE_WITHIN_MS;
    for (let round = 0; ; round += 1) {
      const rows = await this.#sql<{ id: string; done_at: Date | null; problem: string | null }[]>`
        select id, done_at, problem from timeline.rewind_request where id = any (${this.#sql.array([...ids])}::text[])
      `;
      const failed = rows.find((row) => row.problem !== null);
      if (failed !== undefined) throw failure(group, failed.problem as string);
      const open = rows.filter((row) => row.done_at === null);
      if (open.length === 0) return;
      // Nobody took it for a while: perhaps the group has no member at all, then the offset is moved from here.
      if (round > 0 && round % 20 === 0)
        await this.#moveIdle(
          group,
          open.map(({ id }) => parts[ids.indexOf(id)] as RewindPart),
          open.map(({ id }) => id),
          skip,
        );
      if (performance.now() > deadline) {
        throw failure(group, "a handler in progress still holds it up; it is carried out when that ends");
      }
      await Bun.sleep(50);
    }
  }

  async #moveIdle(group: string, parts: readonly RewindPart[], ids: readonly string[], skip: boolean): Promise<void> {
    for (const [index, { topic, partition, to }] of parts.entries()) {
      try {
        await this.#transport.moveIdle(group, topic, partition, to, skip);
      } catch {
        // It has a member after all, which will take the request.
        return;
      }
      await this
        .#sql`update timeline.rewind_request set done_at = clock_timestamp() where id = ${ids[index] as string}`;
    }
  }
}

function skips(target: Target): boolean {
  return "offset" in target && target.skip === true;
}

/** An offset that was named; a message or a time beyond what is committed is one that was consumed a moment ago. */
function isForward(target: Target, stands: number): boolean {
  return "offset" in target && target.skip !== true && target.offset > stands;
}

function forward(group: string, { topic, partition, offset }: Place, stands: number): Refusal {
  return new Refusal(
    "group.rewind-forward",
    `${group} stands at ${stands} in ${topic}/${partition}: ${offset} would pass over messages that it has not consumed`,
    "To pass over them all the same, say `skip`; no message that fails ever stops those behind it.",
  );
}

function nothing(message: string): Refusal {
  return new Refusal("group.nothing-to-rewind", message, "GET /v1/messages?error=true shows what failed and where.");
}

function failure(group: string, problem: string): Refusal {
  return new Refusal(
    "group.rewind-failed",
    `group ${group} was not rewound completely: ${problem}`,
    "Look at GET /v1/consumer-groups and try again.",
  );
}
