import { eventually } from "../support/engine.ts";
import type { Model, ModelSaga } from "./commands.ts";
import type { Part } from "./definitions.ts";
import type { Real } from "./real.ts";

/** Requests by which an operator leaves something as it is: it then stands in `uncompensated`. */
const HELP = ["skip.requested", "resolve.requested", "terminate.requested"];

type Sql = Real["lab"]["sql"];
/** A law of reliability §2, and the rows that break it. */
type Law = readonly [law: string, broken: (sql: Sql) => PromiseLike<readonly object[]>];

/** What holds in the whole database once every saga has ended and nothing lags. */
const LAWS: readonly Law[] = [
  [
    "a saga's sequence is dense",
    (sql) => sql`
      select s.id, s.sequence, count(c.sequence) from timeline.saga s
      left join timeline.event_consumption c on c.correlation_id = s.id and c.consumer_group = 'dispatcher'
      group by s.id having count(c.sequence) <> s.sequence or count(distinct c.sequence) <> s.sequence
        or max(c.sequence) <> s.sequence
    `,
  ],
  [
    "every request was consumed by whom it was for",
    (sql) => sql`
      select r.message_id, r.topic, r.message_type from timeline.event_request r
      left join timeline.event_consumption c on c.message_id = r.message_id
        and c.consumer_group = case when r.topic = 'timeline' then 'dispatcher' else split_part(r.topic, '.', 1) end
      where c.consumed_at is null
    `,
  ],
  [
    "the projection has consumed every end",
    (sql) => sql`
      select r.message_id from timeline.event_request r
      left join timeline.event_consumption c on c.message_id = r.message_id and c.consumer_group = 'lab.ends'
      where r.message_type in ('saga.completed', 'saga.failed') and (c.consumed_at is null or c.error_flag)
    `,
  ],
  [
    "the dispatcher has failed on nothing",
    (sql) => sql`
      select message_id, error_code, error_message from timeline.event_consumption
      where consumer_group = 'dispatcher' and error_flag
    `,
  ],
  [
    "handlers fail only as their plans say",
    (sql) => sql`
      select f.message_id, r.step_key, r.message_type, f.code, f.message from timeline.event_consumption_failure f
      left join timeline.event_request r using (message_id)
      where not (f.code in ('broken', 'refused', 'timeout') or f.code = 'exception' and f.message in ('flaky', 'hung'))
    `,
  ],
  [
    "a step's guard says what became of it",
    (sql) => sql`
      select k.step_key, g.state, e.step_key is not null as effect, u.step_key is not null as undone
      from (select step_key from timeline.step_guard union select step_key from lab.effect) k
      left join timeline.step_guard g using (step_key)
      left join lab.effect e using (step_key)
      left join lab.undone u using (step_key)
      left join lateral (
        select true as is_true from timeline.saga s join timeline.event_request r on r.correlation_id in (s.id, s.parent_id)
        where s.id = split_part(k.step_key, '/', 1) and r.message_type = any (${sql.array(HELP)}::text[]) limit 1
      ) helped on true
      where coalesce(g.state, 'none') <> all (case when u.step_key is not null then array['compensated']
        when e.step_key is not null and helped.is_true then array['done', 'kept', 'compensated']
        when e.step_key is not null then array['done'] else array['rejected', 'closed', 'blocked'] end)
    `,
  ],
  [
    "an ended saga leaves nothing open",
    (sql) => sql`
      select s.id, s.status, s.unapplied, o.saga_id as open, t.name as timer from timeline.saga s
      left join timeline.saga_open o on o.saga_id = s.id
      left join timeline.timer t on t.saga_id = s.id
      where s.unapplied <> 0 or o.saga_id is not null or t.name is not null or s.finished_at is null
        or s.uncompensated <> '[]'::jsonb and not exists (
          select from timeline.saga f join timeline.event_request r on r.correlation_id = f.id
          where (f.id in (s.id, s.parent_id) or f.parent_id = s.id) and r.message_type = any (${sql.array(HELP)}::text[])
        )
    `,
  ],
  [
    "a child stands when its parent does, and goes back with it",
    (sql) => sql`
      select p.id, p.status, c.id as child, c.status as child_status, c.state->>'reversal' as reversal
      from timeline.saga p join timeline.saga c on c.parent_id = p.id
      where c.status = 'completed' and p.status in ('failed', 'cancelled') and c.state->>'reversal' is distinct from 'done'
        or p.status = 'completed' and c.status <> 'completed'
    `,
  ],
  [
    "no transaction is left open",
    (sql) => sql`
      select pid, state, query from pg_stat_activity
      where datname = current_database() and state like 'idle in transaction%' and xact_start < clock_timestamp() - interval '5 seconds'
    `,
  ],
];

/** @throws with the law that is broken, and the first rows that break it */
export async function checkLaws({ lab }: Real): Promise<void> {
  for (const [law, broken] of LAWS) {
    await eventually(
      law,
      async () => {
        const rows = await broken(lab.sql);
        if (rows.length > 0) throw new Error(`${law}: ${JSON.stringify(rows.slice(0, 3))}`);
        return true;
      },
      2_000,
    );
  }
}

/** Compensations go the other way than the steps went, one at a time; branches of a block do not wait for each other. */
export async function checkOrder({ sagas }: Model, { lab }: Real): Promise<void> {
  for (const saga of sagas) {
    const rows = await lab.sql<{ path: string }[]>`
      select substr(u.step_key, 28) as path from timeline.saga s join lab.undone u on u.saga_id = s.id
      where s.id = ${saga.sagaId} or s.parent_id = ${saga.sagaId} order by u.place
    `;
    const undone = rows.map(({ path }) => path);
    for (const chain of chainsOf(saga.definition.parts)) checkChain(saga, chain, undone);
  }
}

function checkChain({ sagaId, definition }: ModelSaga, chain: readonly string[], undone: readonly string[]): void {
  const seen = undone.filter((path) => chain.includes(path));
  const wanted = chain.filter((path) => seen.includes(path)).toReversed();
  if (seen.join() !== wanted.join())
    throw new Error(`${sagaId} (${definition.name}) was undone in the order ${undone.join(", ")}`);
}

/** Paths of steps that come one after another. The loser of a race is undone at once, whatever came before it. */
function chainsOf(parts: readonly Part[]): readonly (readonly string[])[] {
  return parts.reduce<readonly (readonly string[])[]>(
    (chains, part) => chains.flatMap((chain) => chainsOfPart(part).map((more) => [...chain, ...more])),
    [[]],
  );
}

function chainsOfPart(part: Part): readonly (readonly string[])[] {
  switch (part.kind) {
    case "step":
      return [[part.path]];
    case "hurried":
      return [[part.path, part.instead]];
    case "child":
      return chainsOf(part.parts);
    case "all":
      return part.branches.flatMap(chainsOf);
    default:
      return [[]];
  }
}
