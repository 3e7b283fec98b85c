import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer, connect as dial, type Socket } from "node:net";

import { root } from "../architecture/project-files.ts";
import { eventually } from "../support/engine.ts";
import { type EngineProcess, startProcess } from "../support/engine-process.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";

/** How long the database is away: each loop tries several times meanwhile. */
const AWAY_MS = 5_000;
const LOOKS = "consumer groups could not be looked at";

interface Line {
  readonly message: string;
  readonly error?: string;
  readonly reason?: string;
}

let database: FreshDatabase;
let port: number;
let engine: EngineProcess;
const sockets = new Set<Socket>();

/** The way to the database: connections are refused while it does not listen. */
const way = createServer((client) => {
  const { port: there, hostname } = new URL(database.url);
  const server = dial(Number(there), hostname);
  for (const socket of [client, server]) {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  }
  client.pipe(server).pipe(client);
});

const listen = (at: number) => new Promise<void>((resolve) => way.listen(at, "127.0.0.1", resolve));

function refuse(): void {
  way.close();
  for (const socket of sockets) socket.destroy();
}

beforeAll(async () => {
  database = await freshDatabase();
  await listen(0);
  ({ port } = way.address() as { port: number });
  const url = new URL(database.url);
  url.host = `127.0.0.1:${port}`;
  engine = await startProcess(root, { DATABASE_URL: url.href });
}, 120_000);

afterAll(async () => {
  await engine?.end("SIGKILL");
  refuse();
  await database?.drop();
}, 60_000);

function troubles(output: string): Line[] {
  return output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Line)
    .filter(({ error, reason, message }) => (error ?? reason) !== undefined || message.startsWith("over: "));
}

test("while the database is away each trouble is said once, and when it is over that it is", async () => {
  refuse();
  await Bun.sleep(AWAY_MS);
  await listen(port);
  const said = troubles(engine.output()).map(({ message, error, reason }) => `${message}: ${error ?? reason}`);
  expect(said.filter((line) => line.startsWith(LOOKS))).not.toEqual([]);
  expect(said.filter((line, index) => said.indexOf(line) !== index)).toEqual([]);

  const over = await eventually(
    "it is said to be over",
    async () => troubles(engine.output()).find(({ message }) => message.startsWith(`over: ${LOOKS} (`)),
    60_000,
  );
  expect(over.message).toMatch(/\(\d+ times in \d s, not again for 1\d s\)$/);
}, 120_000);

test("an engine that is stopped meanwhile says how often each trouble came", async () => {
  const before = engine.output().length;
  refuse();
  await Bun.sleep(AWAY_MS);
  // The second signal ends it at once.
  const again = setInterval(() => engine.signal("SIGTERM"), 200);
  await engine.end("SIGTERM");
  clearInterval(again);
  const left = await eventually("its last lines", async () => {
    const lines = troubles(engine.output().slice(before)).map(({ message }) => message);
    return lines.some((message) => message.startsWith(`still: ${LOOKS} (`)) ? lines : undefined;
  });
  // Once for each reason: connections that were cut, connections that were refused.
  expect(left.filter((message) => message === LOOKS).length).toBeLessThan(4);
}, 120_000);
