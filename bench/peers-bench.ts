import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";

import { startEmbeddedPostgres } from "../engine/stack/embedded-postgres.ts";
import { type Contestant, type Ring, startEkiden, startFloor, whatStarts } from "./contestants.ts";
import { benchHome } from "./engine-under-test.ts";
import { interruptible } from "./interruptible.ts";
import { startDbos, startRestate } from "./peers.ts";
import { measureSideBySide, type Plan, type Say, type Side } from "./side-by-side.ts";

const START: Readonly<Record<string, (ring: Ring) => Promise<Contestant>>> = {
  ekiden: (ring) => startEkiden(ring),
  dbos: startDbos,
  restate: startRestate,
  "floor-bare": (ring) => startFloor(ring, "bare"),
  "floor-outbox": (ring) => startFloor(ring, "outbox"),
};

/** Who can take part. */
export const SIDES: readonly string[] = Object.keys(START);

/** Those that need nothing but the project. */
export const OWN_SIDES: readonly string[] = ["ekiden", "floor-bare", "floor-outbox"];

/** Starts those sides on one PostgreSQL and measures them in turn. */
export async function comparePeers(
  ring: Ring,
  names: readonly string[],
  plan: Plan,
  say: Say,
): Promise<readonly Side[]> {
  const contestants: Contestant[] = [];
  for (const name of names) {
    const start = START[name];
    if (start === undefined) throw new Error(`no side "${name}"`);
    contestants.push(await start(ring));
    say(`${name}: started`);
  }
  return measureSideBySide(contestants, ring.postgres, plan, say);
}

/** Runs `act` with a PostgreSQL of its own. The settings are those that users get, with connections for all sides. */
export function inRing<Result>(act: (ring: Ring) => Promise<Result>): Promise<Result> {
  return interruptible(async (closing) => {
    const home = await benchHome();
    closing.add(() => rm(home, { recursive: true, force: true }));
    const starting = startEmbeddedPostgres({ home, settings: { max_connections: "300" } });
    const postgres = await whatStarts(closing, starting);
    return act({ postgres, home: await mkdtemp(join(home, "sides-")), closing });
  });
}
