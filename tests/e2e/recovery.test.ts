import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import postgres from "postgres";
import { Client } from "../support/client.ts";
import { eventually, TRANSPORTS } from "../support/engine.ts";
import { type EngineProcess, startProcess } from "../support/engine-process.ts";
import { approvedApplication } from "../support/example.ts";
import { type FreshDatabase, freshDatabase, testPostgres } from "../support/postgres.ts";
import { testStack } from "../support/stack.ts";
import { copyTree, type Tree } from "../support/tree.ts";

const RULE = "domains/screening/decide.ts";
/** A points table that an engineer got wrong: it throws for everybody over 40. */
const BROKEN =
  'export function decide(applicant: Applicant, credit: Credit): Decision {\n  if (applicant.age > 40) throw new Error("no points for this age");';
const MENDED = "export function decide(applicant: Applicant, credit: Credit): Decision {";

interface Preview {
  readonly preview: boolean;
  readonly parts: readonly {
    readonly to: number;
    readonly done: number;
    readonly run: number;
    readonly closed: number;
  }[];
}

describe.each([...TRANSPORTS])("a broken handler on the %s transport", (kind) => {
  let tree: Tree;
  let database: FreshDatabase;
  let engine: EngineProcess;
  let sql: postgres.Sql;
  let environment: Record<string, string>;
  const client = new Client(() => engine.url);

  beforeAll(async () => {
    const stack = kind === "kafka" ? await testStack() : null;
    tree = await copyTree();
    database = await freshDatabase(stack?.postgres ?? (await testPostgres()));
    sql = postgres(database.url, { max: 2, onnotice: () => {} });
    environment = {
      DATABASE_URL: database.url,
      ...(stack === null
        ? {}
        : {
            KAFKA_BROKERS: stack.brokers,
            KAFKA_CONNECT_URL: stack.connectUrl,
            EKIDEN_PREFIX: `r${crypto.randomUUID().slice(0, 8)}.`,
            KAFKA_PARTITIONS: "2",
          }),
    };
    // Quick attempts, and one saga that does not need its screening: it catches a failure for good.
    await tree.edit(
      "domains/onboarding.saga.yaml",
      /retry: \{[^}]*\}/,
      "retry: { attempts: 2, backoff: 100ms, factor: 1 }",
    );
    await tree.write("domains/lenient.saga.yaml", LENIENT);
    expect(await tree.read(RULE)).toContain(MENDED);
    await tree.edit(RULE, MENDED, BROKEN);
  }, 120_000);

  afterAll(async () => {
    await engine?.end("SIGKILL");
    await sql?.end({ timeout: 5 });
    const connector = environment["KAFKA_CONNECT_URL"];
    if (connector !== undefined)
      await fetch(`${connector}/connectors/${environment["EKIDEN_PREFIX"]}ekiden-outbox`, { method: "DELETE" });
    await database?.drop();
    await tree?.remove();
  }, 60_000);

  test("fails messages with a reason, and after mending, a rewind to the first error runs exactly the failed ones", async () => {
    engine = await startProcess(tree.path, environment);
    const young = {
      ...approvedApplication("A-young"),
      applicant: { ...(approvedApplication("x")["applicant"] as object), age: 38 },
    };
    const done = await client.start("onboarding", young, "?wait=30s");
    expect(done.status).toBe("completed");
    const caught = await client.start("lenient", approvedApplication("A-lenient"), "?wait=30s");
    expect(caught.status).toBe("completed");
    const parked = [];
    for (const number of ["A-1", "A-2", "A-3"])
      parked.push(await client.start("onboarding", approvedApplication(number), "?wait=30s"));
    expect(parked.map((saga) => [saga.status, saga.error?.code, saga.error?.message])).toEqual(
      Array(3).fill(["parked", "exception", "no points for this age"]),
    );

    // More that are done, behind those that failed: the rewind passes over them. So many that some share a partition.
    const later = Array.from({ length: 12 }, (_, n) => ({ ...young, applicationNo: `A-later-${n}` }));
    for (const saga of await Promise.all(later.map((input) => client.start("onboarding", input, "?wait=30s"))))
      expect(saga.status).toBe("completed");

    const failed = (await client.ok("GET", "/v1/messages?error=true&group=screening")) as { items: unknown[] };
    expect(failed.items.length).toBe(3 * 2 + 2);

    // Mend it: new code needs a new process.
    await tree.edit(RULE, BROKEN, MENDED);
    expect(await engine.end("SIGTERM")).toBe(0);
    engine = await startProcess(tree.path, environment);
    const before = await businessRows(sql);

    await client.ok("POST", "/v1/consumer-groups/screening/pause", { reason: "mending the points table" });
    const preview = (await client.ok("POST", "/v1/consumer-groups/screening/rewind?preview=true", {
      firstError: true,
    })) as Preview;
    expect(preview.preview).toBe(true);
    expect(sum(preview, "run")).toBe(3);
    expect(sum(preview, "done") + sum(preview, "closed")).toBeGreaterThan(0);
    const rewound = (await client.ok("POST", "/v1/consumer-groups/screening/rewind", {
      firstError: true,
      reason: "points table mended",
    })) as Preview;
    expect(rewound.parts).toEqual(preview.parts);
    const group = (await client.ok("GET", "/v1/consumer-groups/screening")) as {
      paused: boolean;
      partitions: { topic: string; committed: number | null }[];
    };
    expect(group.paused).toBe(true);
    expect(
      group.partitions.filter(({ topic }) => topic === "screening.examine").map(({ committed }) => committed),
    ).toContain(preview.parts[0]?.to as number);
    await client.ok("POST", "/v1/consumer-groups/screening/resume", { reason: "mended" });

    for (const saga of parked)
      expect(
        (
          await eventually(`${saga.sagaId} is completed`, async () => {
            const now = await client.saga(saga.sagaId);
            return now.status === "completed" ? now : undefined;
          })
        ).status,
      ).toBe("completed");
    const after = await businessRows(sql);
    expect(after.screenings).toBe(before.screenings + 3);
    expect(after.contracts).toBe(before.contracts + 3);
    expect(after.applications).toBe(before.applications);
    expect(after.doubled).toEqual([]);
  }, 120_000);

  test("a rewind to the beginning does not run again what the saga gave up", async () => {
    const before = await businessRows(sql);
    const { partitions } = (await client.ok("GET", "/v1/consumer-groups/screening")) as {
      partitions: { topic: string; partition: number; end: number }[];
    };
    for (const { topic, partition, end } of partitions.filter(({ end }) => end > 0)) {
      await client.ok("POST", "/v1/consumer-groups/screening/rewind", { topic, partition, offset: 0, reason: "drill" });
      expect(end).toBeGreaterThan(0);
    }
    await eventually("all is read again", async () => {
      const { lag } = (await client.ok("GET", "/v1/consumer-groups/screening")) as { lag: number };
      return lag === 0;
    });

    expect(await businessRows(sql)).toEqual(before);
    const [guard] = await sql`
      select g.state, c.error_code from timeline.step_guard g
      join timeline.event_request r on r.step_key = g.step_key and r.message_type = 'step.requested'
      join timeline.event_consumption c on c.message_id = r.message_id and c.consumer_group = 'screening'
      where r.saga = 'lenient' and r.action = 'examine' limit 1
    `;
    expect(guard).toEqual({ state: "closed", error_code: "step.closed" } as never);
  }, 60_000);
});

function sum(preview: Preview, field: "run" | "done" | "closed"): number {
  return preview.parts.reduce((total, part) => total + part[field], 0);
}

async function businessRows(sql: postgres.Sql) {
  const [counts] = await sql<{ applications: string; screenings: string; contracts: string }[]>`
    select (select count(*) from application.application) as applications, (select count(*) from screening.screening) as screenings,
      (select count(*) from contract.contract) as contracts
  `;
  const doubled = await sql`select application_id from screening.screening group by application_id having count(*) > 1`;
  return {
    applications: Number(counts?.applications),
    screenings: Number(counts?.screenings),
    contracts: Number(counts?.contracts),
    doubled: [...doubled],
  };
}

const LENIENT = `saga: lenient
version: 1
input:
  applicationNo: string
  applicant: object
  credit: object
steps:
  - step: apply
    command: application.register
    with: \${ input }
    compensate: application.cancel
  - step: screen
    command: screening.examine
    with:
      applicationId: \${ steps.apply.applicationId }
      applicant: \${ input.applicant }
      credit: \${ input.credit }
    compensate: screening.void
    retry: { attempts: 2, backoff: 100ms }
    catch:
      failed: []
`;
