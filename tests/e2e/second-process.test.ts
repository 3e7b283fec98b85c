import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Client } from "../support/client.ts";
import { eventually, TRANSPORTS } from "../support/engine.ts";
import { type EngineProcess, startProcess } from "../support/engine-process.ts";
import { approvedApplication } from "../support/example.ts";
import { type FreshDatabase, freshDatabase, testPostgres } from "../support/postgres.ts";
import { testStack } from "../support/stack.ts";
import { copyTree, type Tree } from "../support/tree.ts";

describe.each([...TRANSPORTS])("two engine processes on the %s transport", (kind) => {
  let tree: Tree;
  let database: FreshDatabase;
  let environment: Record<string, string>;
  const engines: EngineProcess[] = [];

  beforeAll(async () => {
    const stack = kind === "kafka" ? await testStack() : null;
    tree = await copyTree();
    database = await freshDatabase(stack?.postgres ?? (await testPostgres()));
    environment = {
      DATABASE_URL: database.url,
      ...(stack === null
        ? {}
        : {
            KAFKA_BROKERS: stack.brokers,
            KAFKA_CONNECT_URL: stack.connectUrl,
            EKIDEN_PREFIX: `s${crypto.randomUUID().slice(0, 8)}.`,
            KAFKA_PARTITIONS: "2",
          }),
    };
    engines.push(await startProcess(tree.path, environment), await startProcess(tree.path, environment));
  }, 120_000);

  afterAll(async () => {
    for (const engine of engines) await engine.end("SIGKILL");
    const connector = environment["KAFKA_CONNECT_URL"];
    if (connector !== undefined)
      await fetch(`${connector}/connectors/${environment["EKIDEN_PREFIX"]}ekiden-outbox`, { method: "DELETE" });
    await database?.drop();
    await tree?.remove();
  }, 60_000);

  test("both accept sagas, and when one is killed the other finishes everything", async () => {
    const [first, second] = engines as [EngineProcess, EngineProcess];
    const clients = [new Client(() => first.url), new Client(() => second.url)] as const;
    for (const [index, client] of clients.entries()) {
      expect((await client.start("onboarding", approvedApplication(`A-${index}`), "?wait=40s")).status).toBe(
        "completed",
      );
      expect((await client.call("GET", "/health/ready")).status).toBe(200);
    }

    const begun = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        clients[index % 2 === 0 ? 0 : 1].start("onboarding", approvedApplication(`B-${index}`)),
      ),
    );
    await first.end("SIGKILL");
    for (const { sagaId } of begun) {
      await eventually(
        `${sagaId} completes`,
        async () => (await clients[1].saga(sagaId)).status === "completed",
        60_000,
      );
    }
    const doubled = await clients[1].ok("GET", "/v1/messages?error=true");
    expect((doubled as { items: unknown[] }).items).toEqual([]);
    expect(await second.end("SIGTERM")).toBe(0);
  }, 150_000);
});
