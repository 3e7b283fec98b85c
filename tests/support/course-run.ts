import { join } from "node:path";
import type postgres from "postgres";
import { eventually } from "./engine.ts";

/** A folder of one domain and the sagas `course`, which passes every loop, and `hopeless`, which parks. */
export const COURSE = join(import.meta.dir, "course");

/** What sagas of `course` have left behind, as sentences; nothing: each ended, with each effect once. */
export async function faultsOfCourse(sql: postgres.Sql): Promise<readonly string[]> {
  const rows = await sql<{ id: string; status: string; effects: string[] | null; undone: string[] | null }[]>`
    select s.id, s.status, s.sequence,
      (select array_agg(e.action order by e.action) from course.effect e where e.saga_id = s.id) as effects,
      (select array_agg(split_part(u.step_key, '/', 2) order by u.step_key) from course.undone u where u.saga_id = s.id) as undone
    from timeline.saga s where s.definition = 'course' order by s.id
  `;
  const faults = rows.flatMap(({ id, status, effects, undone }) => {
    const seen = `${effects?.join() ?? ""}; undone ${undone?.join() ?? ""}`;
    return seen === WANTED[status] ? [] : [`saga ${id} is ${status}: ${seen}`];
  });
  return [...faults, ...(await faultsOfHistory(sql))];
}

const WANTED: Readonly<Record<string, string>> = {
  completed: "begin,end,finish,pass; undone ",
  failed: "begin,end,pass; undone called,first,second",
};

/** What holds at any moment: dense sequences, one start a saga, effect and answer of one transaction. */
async function faultsOfHistory(sql: postgres.Sql): Promise<readonly string[]> {
  const rows = await sql<{ fault: string }[]>`
    select 'saga ' || s.id || ' has sequence ' || s.sequence || ' after ' || count(c.sequence) || ' transitions' as fault
    from timeline.saga s left join timeline.event_consumption c on c.correlation_id = s.id and c.consumer_group = 'dispatcher'
    where s.definition = 'course'
    group by s.id having count(c.sequence) <> s.sequence or count(distinct c.sequence) <> s.sequence
    union all
    select 'effect ' || e.step_key || ' and its answer are of two transactions'
    from course.effect e join timeline.event_request r on r.step_key = e.step_key and r.message_type = 'step.succeeded'
    where r.topic = 'timeline' and r.xid <> e.xid
    union all
    select 'saga ' || correlation_id || ' was started ' || count(*) || ' times'
    from timeline.event_request where message_type = 'saga.started' and producer <> 'fuzz' group by correlation_id having count(*) <> 1
  `;
  return rows.map(({ fault }) => fault);
}

/** What an engine that has just been killed must not leave behind: each would be lost or done twice. */
export async function faultsAtDeath(sql: postgres.Sql): Promise<readonly string[]> {
  const rows = await sql<{ fault: string }[]>`
    select distinct 'group ' || o.consumer_group || ' has committed an offset behind a message of ' || o.topic || ' that is not done' as fault
    from timeline.consumer_offset o join timeline.topic_log l on l.topic = o.topic and l."offset" < o."offset"
    where o.consumer_group in ('dispatcher', 'course') and not exists (
      select from timeline.event_consumption c where c.consumer_group = o.consumer_group and c.message_id = l.message_id
        and (c.consumed_at is not null or c.error_flag))
    union all
    select 'effect ' || e.step_key || ' stands there without an answer'
    from course.effect e where e.action <> 'end' and not exists (
      select from timeline.event_request r where r.step_key = e.step_key and r.message_type = 'step.succeeded')
    union all
    select 'step ' || p.path || ' is said to run, and no command asks for it'
    from timeline.saga_step p where p.status = 'running' and p.path <> 'rest' and not exists (
      select from timeline.event_request r where r.step_key = p.saga_id || '/' || p.path)
  `;
  return rows.map(({ fault }) => fault);
}

/** Clients of the API that outlive engines: each call is made again under its Idempotency-Key until the answer is definite. */
export class CourseClients {
  /** Of every saga that an answer said was accepted. */
  readonly sagaIds: string[] = [];
  readonly #url: () => string;
  readonly #working: Promise<unknown>[] = [];

  constructor(url: () => string) {
    this.#url = url;
  }

  /** Starts sagas, every third to be refused; each odd one is told that it has rested. */
  begin(name: string, count: number): void {
    for (let at = 0; at < count; at += 1) this.#working.push(this.#one(`${name}-${at}`, at));
  }

  /** Resolves when every call has had its answer; fails with the first that had none. */
  async answered(): Promise<void> {
    await Promise.all(this.#working);
  }

  async #one(note: string, at: number): Promise<void> {
    const started = await this.#definite("/v1/sagas/course", { note, refuse: at % 3 === 2 });
    if (at % 2 === 1) await this.#definite(`/v1/sagas/${started.sagaId}/signals/rested`, null);
  }

  async #definite(path: string, body: unknown): Promise<{ readonly sagaId?: string }> {
    const key = crypto.randomUUID();
    return eventually(
      `${path} is answered`,
      async () => {
        const response = await fetch(`${this.#url()}${path}`, {
          method: "POST",
          headers: { "content-type": "application/json", "idempotency-key": key },
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(5_000),
        });
        const answer = (await response.json()) as { sagaId?: string };
        // A saga that has ended takes no signal: that is an answer too.
        if (!response.ok && response.status !== 409) throw new Error(`${response.status}: ${JSON.stringify(answer)}`);
        if (response.ok && answer.sagaId !== undefined) this.sagaIds.push(answer.sagaId);
        return answer;
      },
      240_000,
    );
  }
}
