/**
 * A consumer as a process of its own, to be killed: records every message it has done in `seen`.
 * Argument: a TransportAddress as JSON. Prints `ready` once it consumes, or once it stands by.
 */
import { openSide, type TransportAddress } from "./open-transport.ts";

const address = JSON.parse(process.argv[2] as string) as TransportAddress;
const side = await openSide(address);
await side.transport.ensureTopics(["timeline"]);
await side.transport.subscribe({
  group: "dispatcher",
  topics: ["timeline"],
  lanes: 2,
  singles: 1,
  batchMax: 5,
  async handle(batch) {
    const rows = batch.map((delivery) => ({ message_id: delivery.headers["id"] ?? "", pid: process.pid }));
    await side.sql`insert into seen ${side.sql(rows)}`;
    return batch.map(() => "done" as const);
  },
});
side.start();
console.log("ready");
// The test that started it is gone: a killed test run must leave nothing behind.
for await (const _ of Bun.stdin.stream());
process.exit(0);
