import { afterAll, beforeAll, expect, test } from "bun:test";
import { createRequire } from "node:module";
import { connect, createServer, type Server, type Socket } from "node:net";

import { type TestStack, testStack } from "../support/stack.ts";

/** A line between the client and the broker that can be cut, also in the middle of an answer. */
class Line {
  readonly #broker: URL;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  /** Of the next answer so many bytes pass, and then the line is cut. */
  cutAfter: number | undefined;

  private constructor(broker: string) {
    this.#broker = new URL(`tcp://${broker}`);
    this.#server = createServer((client) => this.#carry(client));
  }

  static async to(broker: string): Promise<Line> {
    const line = new Line(broker);
    await new Promise<void>((resolve) => line.#server.listen(0, "127.0.0.1", resolve));
    return line;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  cut(): void {
    for (const client of this.#open) client.end();
    this.#open.clear();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #carry(client: Socket): void {
    const broker = connect(Number(this.#broker.port), this.#broker.hostname);
    this.#open.add(client);
    client.on("data", (bytes) => broker.write(bytes));
    broker.on("data", (bytes: Buffer) => {
      if (!this.#open.has(client)) return;
      if (this.cutAfter === undefined) return void client.write(bytes);
      this.#open.delete(client);
      client.end(bytes.subarray(0, this.cutAfter));
      this.cutAfter = undefined;
    });
    for (const [from, to] of [
      [client, broker],
      [broker, client],
    ] as const) {
      from.on("close", () => to.destroy());
      from.on("error", () => to.destroy());
    }
  }
}

let stack: TestStack;
let line: Line;

beforeAll(async () => {
  stack = await testStack();
  line = await Line.to(stack.brokers);
}, 120_000);
afterAll(() => line?.close());

/** What the client keeps for each broker: of kafkajs' own parts, since those above swallow what is lost below. */
interface Connection {
  isConnected(): boolean;
  connect(): Promise<unknown>;
  send(request: object): Promise<{ readonly apiVersions: readonly object[] }>;
  disconnect(): Promise<unknown>;
}

const parts = createRequire(import.meta.resolve("kafkajs"));
const { protocol } = parts("./src/protocol/requests/apiVersions") as {
  protocol(options: { version: number }): () => object;
};
const RealConnection = parts("./src/network/connection") as new (options: object) => Connection;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Its requests have no limit of their own within a test: one that is lost shows. */
function newConnection(): Connection {
  return new RealConnection({
    host: "127.0.0.1",
    port: line.port,
    socketFactory: ({ host, port, onConnect }: { host: string; port: number; onConnect: () => void }) =>
      connect({ host, port }, onConnect),
    connectionTimeout: 3_000,
    requestTimeout: 60_000,
    logger: { namespace: () => silent },
  });
}

/** As kafkajs' pool asks: over what is connected, or connected anew. */
async function ask(connection: Connection): Promise<number> {
  if (!connection.isConnected()) await connection.connect();
  const { apiVersions } = await connection.send(protocol({ version: 0 })());
  return apiVersions.length;
}

test("after an answer that was cut off in the middle the next one is read from its beginning", async () => {
  const connection = newConnection();
  const versions = await ask(connection);
  expect(versions).toBeGreaterThan(10);
  for (const bytes of [2, 7, 40]) {
    line.cutAfter = bytes;
    await expect(ask(connection)).rejects.toThrow("Closed connection");
    expect(await ask(connection)).toBe(versions);
  }
  await connection.disconnect();
}, 20_000);

test("who hears that a connection has ended does not find it connected: what is asked again gets a new one", async () => {
  const connection = newConnection();
  await ask(connection);
  let asking = true;
  const askOn = async () => {
    let answers = 0;
    let refused = 0;
    while (asking)
      await ask(connection).then(
        () => (answers += 1),
        () => (refused += 1),
      );
    return { answers, refused };
  };
  const asked = Array.from({ length: 12 }, askOn);
  for (let round = 0; round < 40; round += 1) {
    await Bun.sleep(15);
    line.cut();
  }
  asking = false;
  for (const { answers, refused } of await Promise.all(asked)) {
    expect(answers).toBeGreaterThan(0);
    expect(refused).toBeGreaterThan(0);
  }
  await connection.disconnect();
}, 20_000);
