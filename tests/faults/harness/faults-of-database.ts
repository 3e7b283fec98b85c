import { eventually } from "../../support/engine.ts";
import { EVERYWHERE, type Fault, lasting, NotFired, type Scene } from "./fault.ts";
import type { Line } from "./network.ts";

/** Whose connections a fault is about: those of one engine, of Connect, or everybody's. */
function somebody({ world, random }: Scene, line: Line): Party {
  const up: { readonly name: string; readonly pid: number | undefined }[] = world.engines.filter(
    ({ pid }) => pid !== undefined,
  );
  // Nobody but the engines calls Connect.
  if (world.kafka !== null && line !== world.kafka.connectLine)
    up.push({ name: "connect", pid: world.kafka.connect.pid });
  const one = random.chance(0.5) && up.length > 0 ? random.pick(up) : undefined;
  if (one === undefined) return { fits: () => true, name: "everybody" };
  return { fits: (pid) => pid === one.pid, name: one.name };
}

interface Party {
  readonly fits: (pid: number | null) => boolean;
  readonly name: string;
}

/** Nothing passes for a time; sockets stay open, and what waited comes late. */
export async function silence(scene: Scene, line: Line): Promise<string> {
  const { fits, name } = somebody(scene, line);
  const ms = lasting(scene, 2_000);
  line.fired();
  await line.impose((pid) => (fits(pid) ? { kind: "silent" } : { kind: "pass", delayMs: 0 }));
  await Bun.sleep(ms);
  line.clear();
  const held = line.fired();
  if (held === 0) throw new NotFired(`nobody spoke for ${ms} ms`);
  return `silence of ${ms} ms for ${name}, ${held} times something waited`;
}

/** Connections break, some of them in the middle of a message. */
export async function cuts(scene: Scene, line: Line): Promise<string> {
  let cut = 0;
  for (let n = 0; n < 5; n += 1) {
    cut += await line.cut(somebody(scene, line).fits, scene.random.chance(0.5) ? "half" : "reset");
    await Bun.sleep(200 + scene.random.below(800));
  }
  if (cut === 0) throw new NotFired("there was no connection");
  return `${cut} connections were cut`;
}

/** Every message takes its time. */
export async function slowness(scene: Scene, line: Line): Promise<string> {
  const { fits, name } = somebody(scene, line);
  const delayMs = 20 + scene.random.below(200);
  const ms = lasting(scene, 3_000);
  line.fired();
  await line.impose((pid) => ({ kind: "pass", delayMs: fits(pid) ? delayMs : 0 }));
  await Bun.sleep(ms);
  line.clear();
  if (line.fired() === 0) throw new NotFired(`nobody spoke for ${ms} ms`);
  return `${delayMs} ms a message for ${name}, for ${ms} ms`;
}

const terminateBackends: Fault = {
  name: "terminate-backends",
  modes: EVERYWHERE,
  async strike({ world, random }) {
    let ended = 0;
    for (let n = 0; n < 8; n += 1) {
      const sessions = await world.sql<{ pid: number }[]>`
        select pid from pg_stat_activity where datname = current_database() and application_name like 'ekiden%'
        order by application_name, backend_start
      `;
      const chosen = sessions.filter(() => random.chance(0.4)).map(({ pid }) => pid);
      const rows = await world.sql`
        select pg_terminate_backend(pid) from unnest(${world.sql.array(chosen)}::integer[]) pid
      `;
      ended += rows.length;
      await Bun.sleep(250);
    }
    if (ended === 0) throw new NotFired("there was no session");
    return `pg_terminate_backend ended ${ended} sessions`;
  },
};

/** PostgreSQL takes it for a sign of broken memory: it ends all sessions and recovers from its log. */
const killBackend: Fault = {
  name: "kill-backend",
  modes: EVERYWHERE,
  async strike({ world, random }) {
    const rows = await world.sql<{ pid: number }[]>`
      select pid from pg_stat_activity where datname = current_database() and application_name like 'ekiden%'
      order by application_name, backend_start
    `;
    if (rows.length === 0) throw new NotFired("there was no session");
    const { pid } = random.pick(rows);
    process.kill(pid, "SIGKILL");
    await world.databaseAnswers();
    return `a session of PostgreSQL (${pid}) was killed: all ended`;
  },
};

const killPostmaster: Fault = {
  name: "kill-postmaster",
  modes: EVERYWHERE,
  async strike({ world, random }) {
    const { pid } = world.postgres;
    process.kill(pid, "SIGKILL");
    await Bun.sleep(500 + random.below(3_000));
    await world.startPostgres();
    await world.databaseAnswers();
    return `PostgreSQL (${pid}) was killed and started again`;
  },
};

const openTransaction: Fault = {
  name: "open-transaction",
  modes: EVERYWHERE,
  async strike(scene) {
    const ms = lasting(scene, 3_000);
    await scene.world.sql.begin(async (tx) => {
      await tx`select pg_current_xact_id()`;
      await Bun.sleep(ms);
    });
    return `a writing transaction of somebody else was open for ${ms} ms`;
  },
};

/** Old requests come again, the newest first: with the same id, key, headers and body. */
const duplicates: Fault = {
  name: "duplicates",
  modes: EVERYWHERE,
  async strike({ world, random }) {
    const requests = await world.sql<{ id: string }[]>`
      select message_id as id from timeline.event_request order by message_id
    `;
    const count = 100 + random.below(400);
    const chosen = Array.from({ length: Math.min(count, requests.length) }, () => random.pick(requests).id);
    const rows = await world.sql`
      insert into timeline.event_republish (republish_id, message_id, correlation_id, causation_id, topic, message_key,
        message_type, saga, step_key, action, attempt, traceparent, message_headers, message_body, producer, requested_at)
      select timeline.new_ulid(), message_id, correlation_id, causation_id, topic, message_key,
        message_type, saga, step_key, action, attempt, traceparent, message_headers, message_body, producer, requested_at
      from timeline.event_request where message_id = any(${world.sql.array(chosen)}::text[]) order by message_id desc
      returning 1
    `;
    if (rows.length === 0) throw new NotFired("nothing has been requested yet");
    return `${rows.length} requests were sent again, the newest first`;
  },
};

/** A group starts from the beginning of one of its topics, while it works. */
const rewind: Fault = {
  name: "rewind",
  modes: EVERYWHERE,
  async strike({ world, random, rewound }) {
    const partitions = world.kafka === null ? 1 : 3;
    const [group, topic] = random.pick([
      ["dispatcher", "timeline"],
      ["north", "north.begin"],
      ["screening", "screening.examine"],
      ["carrier", "carrier.book"],
      ["south.ends", "timeline"],
      ["abroad", "abroad.book"],
    ] as const);
    for (let partition = 0; partition < partitions; partition += 1) {
      rewound();
      await eventually(
        `${group} is rewound`,
        async () => {
          const [url] = world.urls();
          const response = await fetch(`${url}/v1/consumer-groups/${group}/rewind`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ topic, partition, offset: 0, reason: "a fault" }),
            signal: AbortSignal.timeout(30_000),
          });
          const text = await response.text();
          if (response.status >= 300) throw new Error(`${response.status} ${text}`);
          return true;
        },
        60_000,
      );
      rewound();
    }
    return `${group} was rewound to the beginning of ${topic}`;
  },
};

const diskFull: Fault = {
  name: "disk-full-postgres",
  modes: EVERYWHERE,
  isPossible: ({ disk }) => disk.isSmall,
  async strike(scene) {
    const { world } = scene;
    await world.disk.fill();
    const ms = lasting(scene, 4_000);
    const until = performance.now() + ms;
    let refused = false;
    while (performance.now() < until) {
      // What is read needs no room; a written page does.
      await world.sql`create table checker_filler as select repeat('x', 8000) from generate_series(1, 2000)`.catch(
        () => (refused = true),
      );
      await world.sql`drop table if exists checker_filler`.catch(() => undefined);
      await Bun.sleep(300);
    }
    await world.disk.free();
    await world.startPostgres();
    await world.databaseAnswers();
    await world.sql`drop table if exists checker_filler`;
    if (!refused) throw new NotFired("the disk took all that was written");
    return `PostgreSQL's disk was full for ${ms} ms`;
  },
};

const onTheLine = (name: string, strike: (scene: Scene, line: Line) => Promise<string>): Fault => ({
  name,
  modes: EVERYWHERE,
  strike: (scene) => strike(scene, scene.world.databaseLine),
});

export const FAULTS_OF_DATABASE: readonly Fault[] = [
  terminateBackends,
  killBackend,
  killPostmaster,
  onTheLine("database-silent", silence),
  onTheLine("database-cut", cuts),
  onTheLine("database-slow", slowness),
  openTransaction,
  duplicates,
  rewind,
  diskFull,
];
