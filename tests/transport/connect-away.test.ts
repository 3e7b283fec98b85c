import { expect, test } from "bun:test";

import { ConnectClient } from "../../engine/transport/kafka/connect-client.ts";

test("who waits for Kafka Connect is told once what for, long before it is given up", async () => {
  const said: string[] = [];
  const put = new ConnectClient("http://127.0.0.1:1", "outbox").put({}, 5_000, (reason) => said.push(reason));

  await expect(put).rejects.toMatchObject({ code: "connector.unreachable" });
  expect(said).toEqual([expect.stringContaining("Kafka Connect at http://127.0.0.1:1 does not answer")]);
}, 20_000);

test("a Connect that answers at once is no news", async () => {
  const said: string[] = [];
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => Response.json({ name: "outbox" }) });
  try {
    const client = new ConnectClient(server.url.href, "outbox");
    await client.put({}, 5_000, (reason) => said.push(reason));
  } finally {
    await server.stop(true);
  }
  expect(said).toEqual([]);
});
