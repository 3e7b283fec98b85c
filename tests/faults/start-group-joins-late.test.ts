import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Definition } from "../../engine/core/definition.ts";
import { createEvaluator } from "../../engine/definition/expression.ts";
import { StartGroups } from "../../engine/dispatcher/start-groups.ts";
import { GroupControl } from "../../engine/recovery/group-control.ts";
import { connect } from "../../engine/timeline/database.ts";
import type { Consumer } from "../../engine/transport/port.ts";
import { openSide, type Side } from "../contract/open-transport.ts";
import { eventually } from "../support/engine.ts";
import { heardDefinition } from "../support/heard.ts";
import { timelineDatabase } from "../support/kafka.ts";
import { testPostgres } from "../support/postgres.ts";

let database: Awaited<ReturnType<typeof timelineDatabase>>;
let side: Side;

beforeAll(async () => {
  database = await timelineDatabase(await testPostgres());
  side = await openSide({ databaseUrl: database.url, kafka: null });
}, 60_000);

afterAll(async () => {
  await side?.close();
  await database?.drop();
}, 60_000);

test("a member of a group of starts that nobody would control does not go on reading: another one takes its place", async () => {
  const away = connect(database.url, { max: 1, name: "away" });
  await away.end();
  // The database is away when the first member is to be added, and there again at the next look.
  const controls = [new GroupControl(away, () => {}), new GroupControl(side.sql, () => {})];
  const members: Consumer[] = [];
  const troubles: unknown[] = [];
  const definition = heardDefinition();
  let definitions = new Map<string, Definition>();
  const groups = new StartGroups({
    transport: {
      ensureTopics: (topics) => side.transport.ensureTopics(topics),
      subscribe: async (subscription) => {
        const member = await side.transport.subscribe(subscription);
        members.push(member);
        return member;
      },
    },
    control: {
      add: (consumer) =>
        (controls.length > 1 ? (controls.shift() as GroupControl) : (controls[0] as GroupControl)).add(consumer),
      remove: (consumer) => controls[0]?.remove(consumer),
    },
    register: async () => {},
    definitions: () => definitions,
    messages: {
      sql: side.sql,
      evaluator: createEvaluator(),
      start: async () => ({ sagaId: "01J00000000000000000000000", created: true }),
      consumer: "test",
    },
    log: { info: () => {}, warn: () => {}, error: (_what, fields) => troubles.push(fields) },
  });
  await groups.start();
  definitions = new Map([["heard", definition]]);
  await eventually("a member is added", async () => controls[0]?.consumers.length === 1);

  expect(troubles).toHaveLength(1);
  expect(members.map((member) => member.status().state === "stopped")).toEqual([true, false]);
  await groups.stop();
  expect(members.map((member) => member.status().state)).toEqual(["stopped", "stopped"]);
}, 30_000);
