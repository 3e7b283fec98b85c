import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { auditorReport } from "../../engine/recovery/auditor.ts";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, TRANSPORTS, testEngine } from "../support/engine.ts";
import { testStack } from "../support/stack.ts";

const TOPIC = "desk.appraise";
const DOMAINS = join(import.meta.dir, "../support/mixed");

interface Group {
  readonly lag: number;
  readonly lagSeconds: number | null;
  readonly partitions: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly committed: number | null;
    readonly lag: number;
    readonly owner: string | null;
  }[];
}

interface Arrived {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string;
  readonly headers: Readonly<Record<string, string | null>>;
}

describe.each([...TRANSPORTS])(
  "a step that another program handles beside handlers of ours, on the %s transport",
  (kind) => {
    let engine: TestEngine;
    const client = new Client(() => engine.url);
    const group = async (): Promise<Group> => client.ok("GET", "/v1/consumer-groups/desk");
    const late = async () => (await auditorReport(engine.sql as never)).groups;
    const commandOf = (sagaId: string, topic = TOPIC) =>
      eventually("the command is written", async () => {
        const [row] = await engine.sql<{ message_id: string }[]>`
        select message_id from timeline.event_request where correlation_id = ${sagaId} and topic = ${topic}
      `;
        return row?.message_id;
      });
    const age = () => engine.sql`update timeline.event_request set requested_at = requested_at - interval '1 hour'`;

    beforeAll(async () => {
      engine = await testEngine(kind, { domains: DOMAINS });
    }, 120_000);
    afterAll(async () => engine?.close(), 60_000);

    test("what nobody takes up is lag of the domain's group at once, and late in time; taken up it is neither", async () => {
      expect(await group()).toMatchObject({ lag: 0, lagSeconds: null });
      const { sagaId } = await client.start("valued", { note: "ring" });
      const id = await commandOf(sagaId);

      await eventually("it is lag", async () => (await group()).lag === 1);
      const seen = await group();
      expect(seen.lagSeconds).toBeNumber();
      const own = seen.partitions.filter(({ topic }) => topic === TOPIC);
      expect(own.map(({ partition, committed, lag, owner }) => ({ partition, committed, lag, owner }))).toEqual(
        Array.from({ length: kind === "kafka" ? 3 : 1 }, (_, partition) => ({
          partition,
          committed: null,
          lag: partition === 0 ? 1 : 0,
          owner: null,
        })),
      );
      const standby = await engine.another("api,dispatcher,domains");
      const other = new Client(() => standby.url as string);
      expect(
        await other.ok("GET", "/v1/consumer-groups/desk").then(({ lag, partitions }: Group) => ({
          lag,
          owner: partitions.find(({ topic }) => topic === TOPIC)?.owner,
        })),
      ).toEqual({ lag: 1, owner: null });
      await standby.stop();
      const { topics } = (await client.ok("GET", "/v1/pipeline")) as { topics: { topic: string; groups: string[] }[] };
      expect(topics.find(({ topic }) => topic === TOPIC)?.groups).toEqual(["desk"]);

      await age();
      await eventually("it is late", async () => (await late()).length === 1);
      const row = { group: "desk", topic: TOPIC, messages: 1, since: expect.any(String) };
      expect(await late()).toEqual([{ ...row, state: "waiting" }]);
      expect((await group()).lag).toBe(1);
      expect((await group()).lagSeconds).toBeGreaterThanOrEqual(3_600);
      await eventually("the transport has passed it", async () => {
        const rows = await engine.sql`select from timeline.group_progress where topic = ${TOPIC} and waits`;
        return rows.length > 0;
      });
      await engine.sql`update timeline.group_progress set moved_at = moved_at - interval '1 hour'`;
      expect(await late()).toEqual([{ ...row, state: "stuck" }]);

      if (kind === "kafka") await takeFromKafka(id);
      else await take(placed(sagaId, id));
      expect((await client.settled(sagaId)).output).toEqual({ price: 900 });
      await eventually("nothing lags", async () => (await group()).lag === 0);
      await eventually("nothing is late", async () => (await late()).length === 0);
      const resent = await engine.sql`select from timeline.event_republish where topic <> '__heartbeat'`;
      expect(resent.length).toBe(0);
    }, 180_000);

    test("a group that is full of late requests there is looked after on its other topics", async () => {
      await engine.sql`
      insert into timeline.event_request (message_id, correlation_id, topic, message_key, message_type, saga, step_key,
        action, attempt, message_body, producer)
      select timeline.new_ulid(), 'c', ${TOPIC}, 'k' || n, 'step.requested', 'valued', 'c/' || n, ${TOPIC}, 1,
        '{}', 'test'
      from generate_series(1, 5000) n
    `;
      await age();
      await eventually("they are late", async () => (await late()).some(({ messages }) => messages === 5_000), 60_000);
      await client.ok("POST", "/v1/consumer-groups/desk/pause", { reason: "test" });
      const { sagaId } = await client.start("valued", { note: "second" });
      await commandOf(sagaId, "desk.note");
      await age();
      const isNoticed = async () => (await late()).some(({ topic }) => topic === "desk.note");
      await eventually("what is late on the other topic is noticed", isNoticed, 30_000);
      const health = (await client.call("GET", "/health/ready")).json as { parts: { part: string; detail: string }[] };
      expect(health.parts.find(({ part }) => part === "auditor")?.detail).toContain(
        `of group desk on ${TOPIC} what is late beyond 5000 requests is not noticed`,
      );
    }, 120_000);

    function placed(key: string, id: string): Arrived {
      return { topic: TOPIC, partition: 0, offset: 0, timestamp: Date.now(), key, headers: { id } };
    }

    /** As a program in any language does: claim, work, answer. */
    async function take(message: Arrived): Promise<void> {
      await engine.sql.begin(async (tx) => {
        const [claim] = await tx`select verdict from timeline.claim('desk', ${tx.json(message as never)})`;
        expect(claim?.["verdict"]).toBe("run");
        const body = tx.json({ output: { price: 900 } });
        await tx`select timeline.answer('desk', ${message.headers["id"] as string}, 'succeeded', ${body}) as id`;
      });
    }

    /**
     * As a plain Kafka client does, in the group that PARTICIPANTS.md names: it takes the message before it commits its
     * place. A place beyond a message that nobody took would have it sent again.
     */
    async function takeFromKafka(id: string): Promise<void> {
      const { brokers } = await testStack();
      const kafka = new Kafka({ brokers: [brokers], clientId: "appraiser", logLevel: logLevel.NOTHING });
      const consumer = kafka.consumer({ groupId: `${engine.prefix}${TOPIC}.program` });
      await consumer.connect();
      try {
        await consumer.subscribe({ topics: [`${engine.prefix}${TOPIC}`], fromBeginning: true });
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        await consumer.run({
          eachMessage: async ({ partition, message }) => {
            const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [
              name,
              value?.toString() ?? null,
            ]);
            const place = {
              topic: TOPIC,
              partition,
              offset: Number(message.offset),
              timestamp: Number(message.timestamp),
            };
            const arrived = { ...place, key: message.key?.toString() ?? "", headers: Object.fromEntries(headers) };
            if (arrived.headers.id === id) await take(arrived).then(resolve, reject);
          },
        });
        await promise;
        const owner = async () => (await group()).partitions.find(({ topic }) => topic === TOPIC)?.owner;
        await eventually("its reader is shown", async () => (await owner()) === "appraiser");
      } finally {
        await consumer.disconnect();
      }
    }
  },
);
