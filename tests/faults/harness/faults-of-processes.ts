import { readdirSync } from "node:fs";
import { join } from "node:path";

import { FAILPOINTS } from "../../../engine/failpoint.ts";
import { eventually } from "../../support/engine.ts";
import { EVERYWHERE, type Fault, lasting, NotFired, type Scene } from "./fault.ts";
import { READY_MS, type Supervised } from "./supervised.ts";

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

/** Asleep until its partitions or its lease have moved; then it wakes up in the middle of what it did. */
const stopEngine: Fault = {
  name: "stop-engine",
  modes: EVERYWHERE,
  async strike(scene) {
    const engine = scene.random.chance(0.5) ? anEngine(scene) : await theOwner(scene);
    const ms = lasting(scene, 1_000);
    engine.signal("SIGSTOP");
    await Bun.sleep(ms);
    engine.signal("SIGCONT");
    return `${engine.name} (${engine.pid}) slept for ${ms} ms`;
  },
};

/** Asleep inside a call to the outside, past the call's timeout and whatever follows from it. */
const stopInCall: Fault = {
  name: "stop-in-call",
  modes: EVERYWHERE,
  async strike(scene) {
    const { world, load } = scene;
    for (let n = 0; n < 4; n += 1) void load.one("voyage");
    const engine = await eventually(
      "a call to the outside is open",
      async () => {
        const [row] = await world.sql<{ consumer: string }[]>`
          select c.consumer from timeline.step_guard g
          join timeline.event_request r on r.step_key = g.step_key and r.message_type = 'step.requested'
          join timeline.event_consumption c on c.message_id = r.message_id and c.consumed_at is null
          where g.state = 'started' order by g.updated_at desc limit 1
        `;
        const pid = Number(row?.consumer.split("/")[1]);
        return world.engines.find((one) => one.pid === pid && one.isReady);
      },
      60_000,
    ).catch(() => {
      throw new NotFired("no call to the outside was open");
    });
    engine.signal("SIGSTOP");
    const ms = lasting(scene, 6_000);
    await Bun.sleep(ms);
    engine.signal("SIGCONT");
    return `${engine.name} (${engine.pid}) slept for ${ms} ms inside a call to the outside`;
  },
};

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
