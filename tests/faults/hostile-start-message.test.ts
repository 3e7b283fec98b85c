import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Definition } from "../../engine/core/definition.ts";
import { createEvaluator } from "../../engine/definition/expression.ts";
import type { StartRequest, Started } from "../../engine/dispatcher/start.ts";
import { StartMessages } from "../../engine/dispatcher/start-messages.ts";
import { connect, type Sql } from "../../engine/timeline/database.ts";
import type { Delivery } from "../../engine/transport/port.ts";
import { heardDefinition } from "../support/heard.ts";
import { timelineDatabase } from "../support/kafka.ts";
import { testPostgres } from "../support/postgres.ts";

/** Whatever stands in a message that may start a saga, it must not hold up those behind it. */
const GROUP = "start.heard";
let database: Awaited<ReturnType<typeof timelineDatabase>>;
let sql: Sql;
let messages: StartMessages;
let asked: StartRequest[] = [];

beforeAll(async () => {
  database = await timelineDatabase(await testPostgres());
  sql = connect(database.url, { max: 4, name: "starts" });
  const definition = heardDefinition();
  const start = async (request: StartRequest): Promise<Started> => {
    asked.push(request);
    return { sagaId: "01J00000000000000000000000", created: true };
  };
  messages = new StartMessages(
    definition,
    definition.start as NonNullable<Definition["start"]>,
    () => new Map([["heard", definition]]),
    { sql, evaluator: createEvaluator(), start, consumer: "test" },
  );
}, 60_000);

afterAll(async () => {
  await sql?.end({ timeout: 5 });
  await database?.drop();
}, 60_000);

test.each([
  ["a key with a NUL character", String.raw`{"a\u0000b":1}`],
  ["half of a surrogate pair in a key", String.raw`{"\ud800":1}`],
  ["a number too large under a key that is cut within a pair", `{"${"k".repeat(99)}\u{1f600}":1e999}`],
])("%s is recorded as malformed", async (_what, value) => {
  const offset = nextOffset();
  expect(await messages.handle([delivery(offset, value)])).toEqual(["done"]);

  expect((await recorded(offset)).map(({ code }) => code)).toEqual(["message.malformed"]);
});

test("what is said of a body full of faults is no longer than a page, however long its keys", async () => {
  const offset = nextOffset();
  const numbers = Array.from({ length: 30 }, () => "1e999").join(",");
  await messages.handle([delivery(offset, `{"${"k".repeat(200_000)}":[${numbers}]}`)]);

  const [row] = await recorded(offset);
  expect(row?.code).toBe("message.malformed");
  expect(row?.message.length).toBeLessThanOrEqual(8_192);
});

test("a `traceparent` is handed on, and one that is malformed is not there", async () => {
  asked = [];
  const sound = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const headers = [sound, "x".repeat(500_000), "00-\u0000", `${sound}-more`];
  for (const traceparent of headers)
    await messages.handle([{ ...delivery(nextOffset(), '{"note":"a"}'), headers: { traceparent } }]);

  expect(asked.map(({ traceparent }) => traceparent)).toEqual([sound, null, null, null]);
});

let offsets = 0;
function nextOffset(): number {
  offsets += 1;
  return offsets;
}

function delivery(offset: number, value: string): Delivery {
  return {
    topic: "orders.placed",
    partition: 0,
    offset,
    recordedAt: new Date(),
    receivedAt: new Date(),
    key: null,
    headers: {},
    value,
  };
}

async function recorded(offset: number) {
  return [
    ...(await sql<{ code: string; message: string }[]>`
      select error_code as code, error_message as message from timeline.event_consumption
      where consumer_group = ${GROUP} and "offset" = ${offset}
    `),
  ];
}
