import { readFile } from "node:fs/promises";

import { type Admin, Kafka, logLevel } from "kafkajs";

import { eventually } from "../../support/engine.ts";
import { type Fault, lasting, NotFired, ON_KAFKA, type Scene } from "./fault.ts";
import { cuts, silence, slowness } from "./faults-of-database.ts";
import type { Line } from "./network.ts";
import { Supervised } from "./supervised.ts";
import { type KafkaParts, PREFIX, type World } from "./world.ts";

/** How long a wait for Kafka's own healing may take. */
const HEAL_MS = 120_000;

function kafkaOf({ kafka }: World): KafkaParts {
  if (kafka === null) throw new NotFired("there is no Kafka");
  return kafka;
}

/** A bare client past every proxy. */
export function bareKafka(world: World): Kafka {
  const brokers = [`127.0.0.1:${kafkaOf(world).broker.port}`];
  return new Kafka({ brokers, clientId: "ekiden-faults", logLevel: logLevel.NOTHING });
}

async function withAdmin<T>(world: World, act: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = bareKafka(world).admin();
  await admin.connect();
  try {
    return await act(admin);
  } finally {
    await admin.disconnect();
  }
}

const killBroker: Fault = {
  name: "kill-broker",
  modes: ON_KAFKA,
  async strike({ world, random }) {
    const { broker } = kafkaOf(world);
    broker.kill("SIGKILL");
    await Bun.sleep(500 + random.below(5_000));
    await world.startBroker();
    return `the broker (${broker.pid}) was killed and started again`;
  },
};

const killConnect: Fault = {
  name: "kill-connect",
  modes: ON_KAFKA,
  async strike({ world, random }) {
    const { connect } = kafkaOf(world);
    connect.kill("SIGKILL");
    await Bun.sleep(500 + random.below(5_000));
    await world.startConnect();
    return `Kafka Connect (${connect.pid}) was killed and started again`;
  },
};

const stop = (part: "broker" | "connect"): Fault => ({
  name: `stop-${part}`,
  modes: ON_KAFKA,
  async strike(scene) {
    const service = kafkaOf(scene.world)[part];
    const ms = lasting(scene, 2_000);
    service.kill("SIGSTOP");
    await Bun.sleep(ms);
    service.kill("SIGCONT");
    return `${part} (${service.pid}) slept for ${ms} ms`;
  },
});

const dropSlot: Fault = {
  name: "drop-slot",
  modes: ON_KAFKA,
  async strike({ world }) {
    const slot = `${PREFIX.replace(/[^a-z0-9_]/g, "_")}ekiden_outbox`;
    await eventually(
      "the slot is dropped",
      async () => {
        await world.sql`
          select pg_terminate_backend(active_pid) from pg_replication_slots
          where slot_name = ${slot} and active_pid is not null
        `;
        await world.sql`select pg_drop_replication_slot(${slot})`;
        return true;
      },
      60_000,
    );
    return `the replication slot ${slot} was dropped`;
  },
};

const terminateSender: Fault = {
  name: "terminate-walsender",
  modes: ON_KAFKA,
  async strike({ world }) {
    let ended = 0;
    for (let n = 0; n < 4; n += 1) {
      const rows = await world.sql`
        select pg_terminate_backend(active_pid) from pg_replication_slots where active_pid is not null
      `;
      ended += rows.length;
      await Bun.sleep(1_000);
    }
    if (ended === 0) throw new NotFired("nobody read the slot");
    return `the connector's replication was ended ${ended} times`;
  },
};

const deleteConnector: Fault = {
  name: "delete-connector",
  modes: ON_KAFKA,
  async strike({ world }) {
    const { connect } = kafkaOf(world);
    const url = `http://127.0.0.1:${connect.port}/connectors/${PREFIX}ekiden-outbox`;
    const { status } = await fetch(url, { method: "DELETE" });
    if (status >= 300) throw new NotFired(`deleting the connector answered ${status}`);
    return "the connector was deleted";
  },
};

/** Members come and go; each time all partitions are given out anew. */
const rebalanceStorm: Fault = {
  name: "rebalance-storm",
  modes: ON_KAFKA,
  async strike({ world, random }) {
    const plan = { name: "guest", tree: world.driven.tree.path, environment: world.environment("dispatcher,domains") };
    const guest = new Supervised(plan);
    world.engines.push(guest);
    try {
      for (let n = 0; n < 3; n += 1) {
        await guest.start();
        await Bun.sleep(500 + random.below(2_000));
        await guest.end(random.chance(0.5) ? "SIGKILL" : "SIGTERM");
      }
    } finally {
      await guest.end("SIGKILL");
      world.engines.splice(world.engines.indexOf(guest), 1);
      world.gone.push(guest);
    }
    return "a member joined the groups and left them 3 times";
  },
};

/** Every group forgets how far it was; all engines are down for that moment, as Kafka wants it. */
const offsetsReset: Fault = {
  name: "offsets-reset",
  modes: ON_KAFKA,
  async strike({ world, rewound }) {
    rewound();
    await Promise.all(world.engines.map((engine) => engine.end("SIGKILL")));
    const deleted = new Set<string>();
    await eventually(
      "the groups are empty and gone",
      () =>
        withAdmin(world, async (admin) => {
          const { groups } = await admin.listGroups();
          const own = groups.map(({ groupId }) => groupId).filter((id) => id.startsWith(PREFIX));
          for (const id of own) deleted.add(id);
          // It throws for those whose members have not timed out yet, and deletes the others.
          if (own.length > 0) await admin.deleteGroups(own);
          return deleted.size > 0;
        }),
      HEAL_MS,
    );
    rewound();
    for (const engine of world.engines) engine.launch();
    for (const engine of world.engines) await engine.ready();
    rewound();
    return `the offsets of ${deleted.size} groups were deleted`;
  },
};

/** What a broker says of a disk that took nothing more. */
const DISK_FAILED = /No space left on device|KafkaStorageException|all log dirs .* have failed/i;
/** Writes come with the load; each has the last bytes of a page before it needs a new one. */
const FAILS_WITHIN_MS = 60_000;

/** Whether the broker has ended, or says that it could not write. */
async function failedOnDisk({ pid, log }: KafkaParts["broker"]): Promise<string | undefined> {
  try {
    process.kill(pid, 0);
  } catch {
    return "it ended";
  }
  const said = await readFile(log, "utf8").catch(() => "");
  return DISK_FAILED.exec(said)?.[0];
}

const diskFull: Fault = {
  name: "disk-full-kafka",
  modes: ON_KAFKA,
  isPossible: ({ kafka }) => kafka?.disk.isSmall === true,
  async strike(scene) {
    const { disk, broker } = kafkaOf(scene.world);
    const ms = lasting(scene, 5_000);
    let failed: string | undefined;
    try {
      await disk.fill();
      await Bun.sleep(ms);
      for (let waited = 0; failed === undefined && waited < FAILS_WITHIN_MS; waited += 500) {
        await Bun.sleep(500);
        failed = await failedOnDisk(broker);
      }
    } finally {
      await disk.free();
      // Its log lies on the same disk: what it had to say may have waited for room.
      failed ??= await failedOnDisk(broker);
      // A broker whose only disk has failed ends itself; a supervisor starts it again.
      await scene.world.startBroker();
      await scene.world.startConnect();
    }
    if (failed === undefined) throw new NotFired("the broker did not mind the full disk");
    return `Kafka's disk was full for ${ms} ms (broker ${broker.pid}: ${failed})`;
  },
};

const onTheLine = (
  name: string,
  line: (parts: KafkaParts) => Line,
  strike: (scene: Scene, line: Line) => Promise<string>,
): Fault => ({
  name,
  modes: ON_KAFKA,
  strike: (scene) => strike(scene, line(kafkaOf(scene.world))),
});

const broker = ({ brokerLine }: KafkaParts) => brokerLine;
const rest = ({ connectLine }: KafkaParts) => connectLine;

export const FAULTS_OF_KAFKA: readonly Fault[] = [
  killBroker,
  killConnect,
  stop("broker"),
  stop("connect"),
  dropSlot,
  terminateSender,
  deleteConnector,
  rebalanceStorm,
  offsetsReset,
  diskFull,
  onTheLine("kafka-silent", broker, silence),
  onTheLine("kafka-cut", broker, cuts),
  onTheLine("kafka-slow", broker, slowness),
  onTheLine("connect-silent", rest, silence),
];
