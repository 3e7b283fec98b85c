import { readdirSync } from "node:fs";
import { join } from "node:path";

import { FAILPOINTS } from "../../../engine/failpoint.ts";
import { eventually } from "../../support/engine.ts";
import { EVERYWHERE, type Fault, lasting, NotFired, type Scene } from "./fault.ts";
import { READY_MS, type Supervised } from "./supervised.ts";
import { watchHoldings } from "./taken-over.ts";
import type { World } from "./world.ts";

/** An engine that runs now. */
function anEngine({ world, random }: Scene, fits: (engine: Supervised) => boolean = () => true): Supervised {
  const up = world.engines.filter((engine) => engine.isReady && fits(engine));
  if (up.length === 0) throw new NotFired("no engine is up");
  return random.pick(up);
}

/** The engine that owns the embedded transport, or that runs what `fits`. */
async function theOwner(scene: Scene): Promise<Supervised> {
  const [row] = await scene.world.sql<{ owner: string | null }[]>`
    select owner from timeline.topic_log_position
  `;
  const pid = Number(row?.owner?.split("/")[1]);
  return scene.world.engines.find((engine) => engine.pid === pid) ?? anEngine(scene, isDomains);
}

const isDomains = (engine: Supervised) => /domain/.test(engine.plan.environment["EKIDEN_ROLES"] ?? "");

const killEngine: Fault = {
  name: "kill-engine",
  modes: EVERYWHERE,
  async strike(scene) {
    const engine = scene.random.chance(0.5) ? anEngine(scene) : await theOwner(scene);
    const { pid } = engine;
    engine.signal("SIGKILL");
    await engine.ready();
    return `${engine.name} (${pid}) was killed and started again`;
  },
};

/** Asleep; where it is long enough, until its partitions or its lease have moved. Then it wakes in the middle of what it did. */
const stopEngine: Fault = {
  name: "stop-engine",
  modes: EVERYWHERE,
  async strike(scene) {
    const engine = scene.random.chance(0.5) ? anEngine(scene) : await theOwner(scene);
    const { pid } = engine;
    if (pid === undefined) throw new NotFired(`${engine.name} is down`);
    const ms = lasting(scene, 1_000);
    const moved = await watchHoldings(scene.world, pid);
    engine.signal("SIGSTOP");
    let became: string | undefined;
    try {
      await Bun.sleep(ms);
      became = await moved(ms);
    } finally {
      engine.signal("SIGCONT");
    }
    const told = `${engine.name} (${pid}) slept for ${ms} ms`;
    if (became === undefined) throw new NotFired(`${told}, and nobody took over what it held`);
    return `${told}: ${became}`;
  },
};

/**
 * Another process gets the command when the lease has run out or the group has noticed; it may first have to wait until
 * the server ends a transaction in which the sleeper holds a lock: 60 s, and a lock's 30 s besides.
 */
const FOLLOWS_WITHIN_MS = 150_000;
const TRIES = 5;

/** Asleep inside a call to the outside, past the call's timeout and what follows from it: somebody else gives it up. */
const stopInCall: Fault = {
  name: "stop-in-call",
  // A process that is alone sleeps through the timeout as well.
  modes: ["standby", "kafka"],
  async strike(scene) {
    const { world, load } = scene;
    for (let n = 0; n < TRIES; n += 1) {
      for (let voyage = 0; voyage < 4; voyage += 1) void load.one("voyage");
      const call = await eventually("a call to the outside is open", () => openCall(world), 60_000).catch(() => {
        throw new NotFired("no call to the outside was open");
      });
      const { engine, stepKey, attempt } = call;
      engine.signal("SIGSTOP");
      try {
        // It may have been answered at the last moment; what was on its way has come by then.
        await Bun.sleep(200);
        if (!(await isOpen(world, call))) continue;
        const ms = lasting(scene, 6_000);
        await Bun.sleep(ms);
        const followed = eventually("it is given up", () => whatFollowed(world, call), FOLLOWS_WITHIN_MS);
        const what = await followed.catch(() => undefined);
        if (what === ANSWERED) continue;
        if (what === undefined) throw new NotFired(`nobody gave up ${stepKey}, attempt ${attempt}`);
        return `${engine.name} (${engine.pid}) slept for ${ms} ms and more inside ${stepKey}, attempt ${attempt}, until ${what}`;
      } finally {
        engine.signal("SIGCONT");
      }
    }
    throw new NotFired(`${TRIES} calls were answered before they could be stopped`);
  },
};

interface OpenCall {
  readonly consumer: string;
  readonly engine: Supervised;
  readonly stepKey: string;
  readonly messageId: string;
  readonly attempt: number;
}

/** The call to the outside that began last. */
async function openCall(world: World): Promise<OpenCall | undefined> {
  const [row] = await world.sql<{ consumer: string; stepKey: string; messageId: string; attempt: number }[]>`
    select c.consumer, r.step_key as "stepKey", r.message_id as "messageId", r.attempt from timeline.step_guard g
    join timeline.event_request r on r.step_key = g.step_key and r.message_type = 'step.requested'
    join timeline.event_consumption c on c.message_id = r.message_id and c.consumed_at is null
    where g.state = 'started' order by g.updated_at desc limit 1
  `;
  const pid = Number(row?.consumer.split("/")[1]);
  const engine = world.engines.find((one) => one.pid === pid && one.isReady);
  return row === undefined || engine === undefined ? undefined : { ...row, engine };
}

async function isOpen({ sql }: World, { messageId }: OpenCall): Promise<boolean> {
  const rows = await sql`
    select from timeline.event_consumption where message_id = ${messageId} and consumed_at is null and not error_flag
  `;
  return rows.length > 0;
}

/** The sleeper's last commit was on its way: nothing will follow. */
const ANSWERED = "answered";

/** What others have done about the call meanwhile: made it again, sent another attempt, or taken it back. */
async function whatFollowed(
  { sql }: World,
  { messageId, stepKey, attempt, consumer }: OpenCall,
): Promise<string | undefined> {
  const [row] = await sql<{ type: string; attempt: number }[]>`
    select message_type as type, attempt from timeline.event_request where step_key = ${stepKey}
      and (message_type = 'compensation.requested' or message_type = 'step.requested' and attempt > ${attempt})
    order by message_id limit 1
  `;
  if (row !== undefined) return row.type === "step.requested" ? `attempt ${row.attempt} was sent` : "it was taken back";
  const [done] = await sql<{ consumer: string }[]>`
    select consumer from timeline.event_consumption where message_id = ${messageId} and consumed_at is not null
  `;
  if (done === undefined) return undefined;
  return done.consumer === consumer ? ANSWERED : "another process had made it again";
}

const rollingRestart: Fault = {
  name: "rolling-restart",
  modes: EVERYWHERE,
  async strike({ world }) {
    const number = 9_000 + readdirSync(join(world.driven.tree.path, "sql")).length;
    const name = `faults_${number}`;
    await world.driven.tree.write(
      `sql/${number}_${name}.sql`,
      `create table timeline.${name} (id integer);\nalter table timeline.saga add column ${name} integer;\n`,
    );
    for (const engine of world.engines) {
      await engine.end("SIGTERM");
      engine.launch();
      await engine.ready();
    }
    const [row] = await world.sql`select to_regclass(${`timeline.${name}`}) is not null as made`;
    if (row?.["made"] !== true) throw new NotFired("the migration was not applied");
    return `${world.engines.length} engines were restarted one after another, with the migration ${number} in between`;
  },
};

const clockJumps: Fault = {
  name: "clock-jumps",
  modes: EVERYWHERE,
  async strike(scene) {
    const jumps: number[] = [];
    for (let n = 0; n < 3; n += 1) {
      const ms = Math.round((scene.random.next() - 0.5) * 360_000);
      jumps.push(ms);
      await scene.world.moveClock(ms);
      await Bun.sleep(lasting(scene, 1_000) / 2);
    }
    await scene.world.moveClock(0);
    return `the engines' clocks jumped by ${jumps.join(", ")} ms and back`;
  },
};

const editDefinition: Fault = {
  name: "edit-definition",
  modes: EVERYWHERE,
  async strike({ world }) {
    const file = "driven/relay.saga.yaml";
    const source = await world.driven.tree.read(file);
    const version = Number(/^version: (\d+)$/m.exec(source)?.[1]);
    await world.driven.tree.write(file, source.replace("command: south.pass", "command: south.pass_on"));
    await Bun.sleep(2_000);
    const mended = source.replace(/^version: \d+$/m, `version: ${version + 1}`);
    await world.driven.tree.write(file, mended);
    await eventually(
      "the next version is current",
      async () => {
        const [row] = await world.sql`select version from timeline.definition where name = 'relay'`;
        return row?.["version"] === version + 1;
      },
      60_000,
    );
    return `relay was broken, then mended as version ${version + 1}`;
  },
};

/** Loops that the load keeps busy → the roles of engines that run them. Those of an operator's verbs have failpoints.long.ts. */
const BUSY: Readonly<Record<string, RegExp>> = {
  dispatcher: /dispatcher/,
  timer: /dispatcher/,
  start: /api/,
  call: /api/,
  participant: /domain/,
  failure: /domain/,
  external: /domains/,
  relay: /domains/,
  lease: /domains/,
};
const ONLY_EMBEDDED = /^(relay|lease)[.]/;
const FAILPOINT_MS = 30_000;

/** The process ends itself at the n-th passing of a named place. */
const failpoint: Fault = {
  name: "failpoint",
  modes: EVERYWHERE,
  async strike(scene) {
    const passed = FAILPOINTS.filter((name) => (name.split(".")[0] as string) in BUSY);
    const points = passed.filter((name) => scene.world.kafka === null || !ONLY_EMBEDDED.test(name));
    const missed: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      const name = scene.random.pick(points);
      const point = `${name}:${1 + scene.random.below(name.startsWith("lease") ? 1 : 10)}`;
      const engine = await runnerOf(scene, name);
      if (await endsItself(scene, engine, point)) return `${engine.name} ended itself at ${point}`;
      missed.push(point);
    }
    throw new NotFired(`never passed: ${missed.join(", ")}`);
  },
};

async function runnerOf(scene: Scene, point: string): Promise<Supervised> {
  if (scene.world.kafka === null) return theOwner(scene);
  const roles = BUSY[point.split(".")[0] as string] as RegExp;
  return anEngine(scene, ({ plan }) => roles.test(plan.environment["EKIDEN_ROLES"] ?? ""));
}

/** Whether it came to the place; an engine that did not is started again without it. */
async function endsItself({ world }: Scene, engine: Supervised, point: string): Promise<boolean> {
  const before = engine.failpointEnds;
  // A standby would take the lease over, and the place be passed there: it is down until then.
  const others = world.mode === "standby" ? world.engines.filter((other) => other !== engine) : [];
  await Promise.all(others.map((other) => other.end("SIGKILL")));
  engine.failpoint = point;
  engine.signal("SIGKILL");
  // The place may be passed before the engine is ready; only then does its time run.
  await eventually(`${engine.name} runs`, async () => engine.isReady || engine.failpointEnds > before, READY_MS);
  const passed = eventually(`${point} was passed`, async () => engine.failpointEnds > before, FAILPOINT_MS);
  const isPassed = await passed.catch(() => false);
  if (!isPassed) engine.signal("SIGKILL");
  for (const other of others) other.launch();
  await engine.ready();
  return isPassed;
}

export const FAULTS_OF_PROCESSES: readonly Fault[] = [
  killEngine,
  stopEngine,
  stopInCall,
  rollingRestart,
  clockJumps,
  editDefinition,
  failpoint,
];
