import { expect, test } from "bun:test";

import { createLog } from "../../engine/telemetry/log.ts";
import { CalmLog } from "../../engine/telemetry/calm-log.ts";
import { asUnreachable, KafkaTransportError } from "../../engine/transport/kafka/kafka-error.ts";
import { newKafka } from "../../engine/transport/kafka/kafka-client.ts";
import { problemOf } from "../../engine/api/problem.ts";

/** Port 9 discards: nobody listens there. */
const AWAY = { brokers: ["127.0.0.1:9"], clientId: "test" };

/** Asks a broker that is away, so often. Returns what the engine's log has of it, and the last error. */
async function ask(times: number): Promise<{ readonly lines: readonly string[]; readonly error: unknown }> {
  const lines: string[] = [];
  const log = new CalmLog(createLog("json", (line) => lines.push(line)));
  let error: unknown;
  for (let at = 0; at < times; at += 1) {
    const admin = newKafka({ ...AWAY, log }).admin({ retry: { retries: 2, initialRetryTime: 10 } });
    error = await admin.connect().catch((thrown: unknown) => thrown);
    await admin.disconnect();
  }
  return { lines, error };
}

test("a broker that is away is in the log once for each sentence of kafkajs, and not again at every try", async () => {
  const { lines } = await ask(2);
  const said = lines.map((line) => JSON.parse(line) as { message: string; reason?: string });
  const sentences = said.map(({ message, reason }) => `${message} / ${reason}`);
  expect(sentences.length).toBeGreaterThan(0);
  expect(sentences).toEqual([...new Set(sentences)]);
  expect(said[0]?.reason).toContain("ECONNREFUSED");
}, 30_000);

test("a call that needs the brokers while none answers is to be repeated, and says which", async () => {
  const { error } = await ask(1);
  const told = asUnreachable(AWAY.brokers, error);
  expect(told).toBeInstanceOf(KafkaTransportError);
  const answer = problemOf(told);
  expect(answer?.status).toBe(503);
  expect(answer?.headers.get("retry-after")).toBe("5");
  expect(await answer?.json()).toMatchObject({
    code: "kafka.unreachable",
    detail: expect.stringMatching(/^no broker of 127\.0\.0\.1:9 answers: .*ECONNREFUSED/),
    hint: "Is KAFKA_BROKERS right, and Kafka running?",
  });
}, 30_000);

test("another trouble of kafkajs stays what it is", () => {
  const other = new Error("no such group");
  expect(asUnreachable(AWAY.brokers, other)).toBe(other);
});
