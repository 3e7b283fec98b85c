import type postgres from "postgres";
import type { TurnProxy } from "./turn-proxy.ts";

/** Longest time for a statement that waits for nobody, and for a client between two of its statements, milliseconds. */
const STUCK_MS = 10_000;
/** Statements that nobody else can see or feel: they take no turn. */
const LOCAL = /^\s*(begin|select set_config\('lock_timeout'|select pg_current_xact_id\(\)|rollback)/;

/** One of the two sessions: everything that its work sends goes through its proxy. */
export interface Session {
  readonly proxy: TurnProxy;
  work(): Promise<unknown>;
}

/** How a run went: which session got each turn where both could have had it. */
export interface Played {
  readonly turns: readonly number[];
  /** What each turn passed. */
  readonly statements: readonly string[];
  /** What each work returned, or the error that it threw. */
  readonly results: readonly PromiseSettledResult<unknown>[];
}

interface Side {
  readonly session: Session;
  isOver: boolean;
  isBlocked: boolean;
}

/**
 * Runs two works statement by statement. Where both could go on, `turns` says who does; when it has ended, who went last
 * goes on. A session that waits for a lock gives its turn away.
 */
export async function play(
  admin: postgres.Sql,
  sessions: readonly [Session, Session],
  turns: readonly number[],
): Promise<Played> {
  const taken: number[] = [];
  const statements: string[] = [];
  const sides = sessions.map((session): Side => ({ session, isOver: false, isBlocked: false }));
  for (const { proxy } of sessions) proxy.gate(true);
  const works = sides.map((side) =>
    side.session.work().finally(() => {
      side.isOver = true;
    }),
  );
  const settled = Promise.allSettled(works);
  let last = turns[0] ?? 0;
  for (;;) {
    for (const side of sides) await atRest(admin, side);
    const ready = sides.flatMap(({ session }, at) => (session.proxy.next === undefined ? [] : [at]));
    if (ready.length === 0) {
      if (sides.every(({ isOver }) => isOver)) break;
      // Both wait for each other, or one for what the other no longer holds: the server decides.
      await Bun.sleep(1);
      continue;
    }
    let turn = ready[0] as number;
    if (ready.length === 2) {
      turn = turns[taken.length] ?? last;
      taken.push(turn);
    }
    last = turn;
    const { proxy } = (sides[turn] as Side).session;
    statements.push(`${turn}: ${shown(proxy.next ?? "")}`);
    proxy.pass();
    await atRest(admin, sides[turn] as Side);
  }
  for (const { proxy } of sessions) proxy.gate(false);
  return { turns: taken, statements, results: await settled };
}

/** Waits until a session has a statement that waits for its turn, is over, or waits for a lock. */
async function atRest(admin: postgres.Sql, side: Side): Promise<void> {
  const { proxy } = side.session;
  const until = performance.now() + STUCK_MS;
  for (let looks = 0; ; looks += 1) {
    if (side.isOver) return;
    if (proxy.next !== undefined) {
      side.isBlocked = false;
      if (!LOCAL.test(proxy.next)) return;
      proxy.pass();
    }
    const { running } = proxy;
    if (running.length > 0 && looks > 2 && (await waitsForLock(admin, running))) {
      side.isBlocked = true;
      return;
    }
    if (performance.now() > until) throw new Error("a session does nothing, and waits for no lock");
    await (looks < 3 ? new Promise((resolve) => setImmediate(resolve)) : Bun.sleep(0.5));
  }
}

async function waitsForLock(admin: postgres.Sql, backends: readonly number[]): Promise<boolean> {
  const rows = await admin`select from pg_locks where not granted and pid = any(${[...backends]})`;
  return rows.length > 0;
}

function shown(statement: string): string {
  return statement.replace(/\s+/g, " ").trim().slice(0, 90);
}

/** Every sequence of turns with at most `switches` turns taken away from a session that could have gone on. */
export class Schedules {
  readonly #switches: number;
  readonly #open: (readonly number[])[] = [[1], [0]];

  constructor(switches: number) {
    this.#switches = switches;
  }

  /** The next sequence to play; undefined: all have been. */
  next(): readonly number[] | undefined {
    return this.#open.shift();
  }

  /** Takes in how one went: what could have gone otherwise behind the given beginning is to be played too. */
  played(given: readonly number[], turns: readonly number[]): void {
    for (let at = Math.max(1, given.length); at < turns.length; at += 1) {
      const other = [...turns.slice(0, at), 1 - (turns[at] as number)];
      if (switchesOf(other) <= this.#switches) this.#open.push(other);
    }
  }
}

function switchesOf(turns: readonly number[]): number {
  return turns.filter((turn, at) => at > 0 && turn !== turns[at - 1]).length;
}
