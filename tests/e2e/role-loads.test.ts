import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "../support/client.ts";
import { eventually } from "../support/engine.ts";
import { type EngineProcess, startProcess } from "../support/engine-process.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";
import { RELAY } from "../support/relay-effects.ts";
import { testStack } from "../support/stack.ts";
import { copyTree, type Tree } from "../support/tree.ts";

const THROWS = `throw new Error("a domain was loaded whose role was not started");\n`;

let tree: Tree;
let database: FreshDatabase;
let environment: Record<string, string>;
const engines = new Map<string, EngineProcess>();
const client = new Client(() => engines.get("api")?.url ?? "");

beforeAll(async () => {
  const stack = await testStack();
  tree = await copyTree();
  database = await freshDatabase(stack.postgres);
  environment = {
    DATABASE_URL: database.url,
    KAFKA_BROKERS: stack.brokers,
    KAFKA_CONNECT_URL: stack.connectUrl,
    KAFKA_PARTITIONS: "2",
    EKIDEN_PREFIX: `r${crypto.randomUUID().slice(0, 8)}.`,
    BUN_OPTIONS: `--preload=${join(import.meta.dir, "../support/note-loads.ts")}`,
  };
}, 180_000);

afterAll(async () => {
  for (const engine of engines.values()) await engine.end("SIGKILL");
  const { KAFKA_CONNECT_URL, EKIDEN_PREFIX } = environment;
  await fetch(`${KAFKA_CONNECT_URL}/connectors/${EKIDEN_PREFIX}ekiden-outbox`, { method: "DELETE" });
  await database?.drop();
  await tree?.remove();
}, 60_000);

/** Starts one role, with a domains folder in which every other domain throws when it is loaded. */
async function start(role: string): Promise<void> {
  const folder = join(tree.path, role.replace(":", "-"), "relay");
  await mkdir(join(tree.path, role.replace(":", "-")));
  await cp(RELAY, folder, { recursive: true });
  for (const domain of ["north", "south"])
    if (role !== `domain:${domain}`) await Bun.write(join(folder, domain, "domain.ts"), THROWS);
  const own = { EKIDEN_ROLES: role, EKIDEN_DOMAINS: folder, LOADS: loadsOf(role) };
  engines.set(role, await startProcess(tree.path, { ...environment, ...own }));
}

const loadsOf = (role: string) => join(tree.path, `${role.replace(":", "-")}.loads`);

/** Which rooms of the engine, and which domains, a process has loaded files of. */
function loaded(role: string): string[] {
  const rooms = readFileSync(loadsOf(role), "utf8")
    .split("\n")
    .map((path) => /\/engine\/(transport\/\w+|[a-z]+)\/[^/]+\.ts$|\/relay\/(\w+)\//.exec(path))
    .map((match) => match?.[1] ?? match?.[2]);
  return [...new Set(rooms.filter((room) => room !== undefined))].sort();
}

async function broken(): Promise<{ code: string; message: string }[]> {
  const { json } = await client.call("GET", "/v1/definitions");
  return (json as { broken: { diagnostics: { code: string; message: string }[] }[] }).broken.flatMap(
    ({ diagnostics }) => diagnostics,
  );
}

test("a process loads nothing of a role that it does not start, and a definition waits for its domains", async () => {
  await Promise.all([start("api"), start("dispatcher")]);
  const waiting = await broken();
  expect(new Set(waiting.map(({ code }) => code))).toEqual(new Set(["definition.domain-not-loaded"]));
  expect(waiting[0]?.message).toBe("the domain `north` is not loaded yet: no process has published it");
  const input = { note: "early", gate: "", refuse: false };
  expect((await client.call("POST", "/v1/sagas/relay", input)).status).toBe(404);

  await start("domain:north");
  await eventually("the definition waits for south alone", async () =>
    (await broken()).every(({ message }) => message.startsWith("the domain `south`")),
  );
  await start("domain:south");
  await eventually("the definition is loaded", async () => (await broken()).length === 0);
  // It was never broken: nobody has mended it.
  for (const engine of engines.values()) expect(engine.output()).not.toContain("is mended");

  // The API knows north's schema although it has loaded nothing of north.
  const long = { ...input, gate: "x".repeat(300) };
  const refused = await client.call("POST", "/v1/sagas/relay", long);
  expect({ status: refused.status, errors: (refused.json as { errors: unknown }).errors }).toEqual({
    status: 422,
    errors: [{ pointer: "/gate", detail: "must have at most 200 characters (north.begin)" }],
  });
  expect((await client.start("relay", input, "?wait=40s")).status).toBe("completed");
  const groups = (await client.ok("GET", "/v1/consumer-groups")) as { items: { group: string }[] };
  expect(groups.items.map(({ group }) => group).sort()).toEqual(["dispatcher", "north", "south", "south.ends"]);

  const everywhere = ["core", "recovery", "telemetry", "timeline", "transport", "transport/kafka"];
  const deciding = [...everywhere, "definition", "dispatcher"];
  const running = [...everywhere, "definition", "participant"];
  expect({
    api: loaded("api").filter((room) => room !== "roles"),
    dispatcher: loaded("dispatcher").filter((room) => room !== "roles"),
    north: loaded("domain:north").filter((room) => room !== "roles"),
    south: loaded("domain:south").filter((room) => room !== "roles"),
  }).toEqual({
    api: [...deciding, "api", "access", "console", "graph", "simulate"].sort(),
    dispatcher: deciding.toSorted(),
    north: [...running, "north"].sort(),
    south: [...running, "south"].sort(),
  });
}, 150_000);
