import { eventually } from "../../support/engine.ts";
import { bareKafka } from "./faults-of-kafka.ts";
import { type Mode, PREFIX, type World } from "./world.ts";

/** After this sleep somebody else must have what the sleeper had: the lease lasts 3 s, a session with Kafka 10 s. */
const HELD_MS: Readonly<Record<Mode, number>> = {
  single: Number.POSITIVE_INFINITY,
  standby: 4_000,
  kafka: 12_000,
};
const TAKEN_WITHIN_MS = 60_000;

/** What of the world's work an engine process holds now: the lease, or its memberships. */
async function holdings(world: World, pid: number): Promise<number> {
  if (world.kafka === null) {
    const rows = await world.sql`select from timeline.topic_log_position where owner like ${`%/${pid}/%`}`;
    return rows.length;
  }
  const admin = bareKafka(world).admin();
  await admin.connect();
  try {
    const { groups } = await admin.listGroups();
    const own = groups.map(({ groupId }) => groupId).filter((id) => id.startsWith(PREFIX));
    const described = await admin.describeGroups(own);
    // A member's id begins with its client's, which ends with the process' id.
    const members = described.groups.flatMap((group) => group.members);
    return members.filter(({ clientId }) => clientId.endsWith(`/${pid}`)).length;
  } finally {
    await admin.disconnect();
  }
}

/**
 * Watches a process go to sleep. The returned function waits, if it has slept long enough for that, until others have all
 * that it held, and says so; undefined: nobody took it.
 */
export async function watchHoldings(
  world: World,
  pid: number,
): Promise<(sleptMs: number) => Promise<string | undefined>> {
  const held = await holdings(world, pid);
  return async (sleptMs) => {
    if (sleptMs < HELD_MS[world.mode]) return "nothing had moved yet";
    if (held === 0) return "it held nothing";
    const moved = eventually("others have it", async () => (await holdings(world, pid)) === 0, TAKEN_WITHIN_MS);
    return moved.then(
      () => `others had taken over what it held (${held})`,
      () => undefined,
    );
  };
}
