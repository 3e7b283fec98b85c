import postgres from "postgres";
import { faultsAtDeath } from "./course-run.ts";
import { eventually } from "./engine.ts";
import { FailpointChain } from "./failpoint-chain.ts";
import { freshDatabase } from "./postgres.ts";

/** How long an engine has for what another one left; well it needs a second. */
const HEALS_WITHIN_MS = 15_000;

/** A bug in the engine's real loops, as an edit of a copy of its source, and what shows it. */
export interface PlantedBug {
  readonly bug: string;
  readonly file: string;
  readonly edits: readonly (readonly [from: string, to: string])[];
  /** The sentence that must tell of it: what is caught by anything else is not the bug that was planted. */
  readonly caughtBy: RegExp;
  /** Runs an engine into trouble that the seed chooses; returns what is wrong afterwards, as sentences. */
  trial(chain: FailpointChain, seed: number): Promise<readonly string[]>;
}

/** An engine dies at a failpoint; what it leaves at once, and what the next one leaves in the end. */
function dies(failpoint: string, name: (seed: number) => string = (seed) => `seed ${seed}`): PlantedBug["trial"] {
  return async (chain, seed) => {
    await chain.dies(`${failpoint}:${1 + (seed % 3)}`, name(seed));
    const faults = await faultsAtDeath(chain.sql);
    return faults.length > 0 ? faults : chain.leaves(HEALS_WITHIN_MS);
  };
}

/** What must be caught on a real engine; tests/simulation/planted.ts has those that need no process and no database. */
export const PLANTED: readonly PlantedBug[] = [
  {
    bug: "offset before commit",
    caughtBy: /^group course has committed an offset behind a message of course\.call that is not done$/,
    file: "engine/transport/lanes.ts",
    edits: [
      [
        "      verdicts = await this.#subscription.handle(deliveries, alone);",
        `      for (const { place, track } of batch) {
        place.done = true;
        this.#port.finished(track.topic, track.partition, track.advance());
      }
      verdicts = await this.#subscription.handle(deliveries, alone);`,
      ],
    ],
    trial: dies("external.after-effect", (seed) => `slow seed ${seed}`),
  },
  {
    bug: "outbox in a second transaction",
    caughtBy: /^step \w+ is said to run, and no command asks for it$/,
    file: "engine/timeline/store.ts",
    edits: [
      ["      writing.sendRequests();\n", ""],
      [
        "    handOver?.committed(await writing.rows());",
        `    await sql.begin(async (raw) => {
      writing.moveTo(raw);
      writing.sendRequests();
      await writing.rows();
    });`,
      ],
      [
        "  readonly tx: Tx;\n  readonly #producer",
        "  tx: Tx;\n  moveTo(tx: Tx) {\n    this.tx = tx;\n  }\n  readonly #producer",
      ],
    ],
    trial: dies("dispatcher.after-commit"),
  },
  {
    bug: "claim after effect",
    caughtBy: /^effect \S+ stands there without an answer$/,
    file: "engine/participant/batches.ts",
    // From another pool: two batches that each want a second connection of their own pool would wait for ever.
    edits: [
      ["await this.#run(unit.tx, ", "await store.sql.begin((own) => this.#run(own, "],
      ["pipelined: how.pipelined });", "pipelined: how.pipelined }));"],
    ],
    trial: dies("participant.after-effect"),
  },
  {
    bug: "latest on out-of-range",
    caughtBy: /^saga \w+ is running: /,
    file: "engine/transport/embedded/embedded-consumer.ts",
    edits: [["committed.get(topic) ?? 0", "committed.get(topic) ?? this.#parts.log.end(topic)"]],
    async trial(chain, seed) {
      await chain.dies(`external.after-claim:${1 + (seed % 3)}`, `seed ${seed}`);
      await chain.sql`delete from timeline.consumer_offset`;
      return chain.leaves(HEALS_WITHIN_MS);
    },
  },
  {
    bug: "no fence",
    caughtBy: /^a former owner wrote \d+ consumptions$/,
    file: "engine/timeline/fenced.ts",
    edits: [["const fence = epoch === null ?", "const fence = epoch !== undefined ?"]],
    async trial(chain, seed) {
      const pid = await chain.runs(`seed ${seed}`, 24);
      await eventually(
        "sagas are under way",
        async () => (await writtenBy(chain.sql, pid, new Date(0))) > 20 + (seed % 3),
      );
      // What another process does that takes the lease over; then this one hears of it within a second.
      const another = await chain.sql.reserve();
      // While an owner's connection is there, nobody takes the lease from it.
      await another`select set_config('application_name', 'ekiden another', false)`;
      const at = await takeOver(chain.sql);
      await Bun.sleep(1_500);
      const written = await writtenBy(chain.sql, pid, at);
      await chain.sql`update timeline.topic_log_position set owner = null, owner_until = null`;
      another.release();
      return written === 0 ? [] : [`a former owner wrote ${written} consumptions`];
    },
  },
];

/** Consumptions of a process since then, but for those that its API's calls wrote. */
async function writtenBy(sql: postgres.Sql, pid: number, since: Date): Promise<number> {
  const [row] = await sql<{ written: number }[]>`
    select count(*)::integer as written
    from timeline.event_consumption c join timeline.event_request r using (message_id)
    where c.consumer like ${`%/${pid}`} and r.producer not like 'api@%' and c.consumed_at > ${since}
  `;
  return row?.written ?? 0;
}

async function takeOver(sql: postgres.Sql): Promise<Date> {
  const [row] = await sql<{ epoch: number; owner: string }[]>`
    with former as (select owner from timeline.topic_log_position where id = 1)
    update timeline.topic_log_position p set owner = 'another', owner_epoch = owner_epoch + 1,
      owner_until = clock_timestamp() + interval '1 minute'
    from former where id = 1 returning p.owner_epoch::integer as epoch, former.owner
  `;
  const { epoch, owner } = row as { epoch: number; owner: string };
  await eventually("what the former owner has open is ended", async () => {
    const [open] = await sql<{ open: number }[]>`
      select timeline.end_former_owner(${epoch}, ${owner.slice(owner.lastIndexOf("/") + 1)})::integer as open
    `;
    return open?.open === 0;
  });
  const [clock] = await sql<{ now: Date }[]>`select clock_timestamp() as now`;
  return (clock as { now: Date }).now;
}

/** One trial on a database of its own, with the engine of a tree. */
export async function tryOnce(planted: PlantedBug, tree: string, seed: number): Promise<readonly string[]> {
  const database = await freshDatabase();
  const sql = postgres(database.url, { max: 3, onnotice: () => {} });
  const chain = new FailpointChain(sql, { DATABASE_URL: database.url }, tree);
  try {
    return await planted.trial(chain, seed);
  } finally {
    await chain.end();
    await sql.end({ timeout: 5 });
    await database.drop();
  }
}
