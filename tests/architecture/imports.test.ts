import { expect, test } from "bun:test";

import { violationsOf } from "./import-rules.ts";
import { importsOf } from "./imports.ts";
import { projectFiles } from "./project-files.ts";

test("every import of engine and domains goes where the rules allow", () => {
  const files = projectFiles("{engine,domains,examples}/**/*.{ts,tsx}");

  expect(files.length).toBeGreaterThan(150);
  expect(files.flatMap(violationsOf)).toEqual([]);
});

const OFFENDERS: readonly (readonly [path: string, source: string])[] = [
  ["engine/core/decide.ts", `import type { Sql } from "../timeline/database.ts";`],
  ["engine/core/decide.ts", `import { randomUUID } from "node:crypto";`],
  ["engine/core/decide.ts", `import * as v from "valibot";`],
  ["domains/screening/handlers.ts", `import type { Register } from "../application/messages.ts";`],
  ["domains/screening/handlers.ts", `export { decide } from "../contract/decide.ts";`],
  ["domains/screening/handlers.ts", `import { newId } from "../../engine/timeline/ids.ts";`],
  ["domains/screening/handlers.ts", `type T = import("../application/messages.ts").Register;`],
  ["examples/order/stock/handlers.ts", `import type { Book } from "../carrier/messages.ts";`],
  ["engine/main.ts", `import stock from "../examples/order/stock/domain.ts";`],
  ["engine/dispatcher/timers.ts", `import { Cron } from "croner";`],
  ["engine/participant/participant.ts", `import screening from "../../domains/screening/domain.ts";`],
  ["engine/main.ts", `import screening from "../domains/screening/domain.ts";`],
  ["engine/definition/check-steps.ts", `import { Environment } from "@marcbachmann/cel-js";`],
  ["engine/api/definition-routes.ts", `import { parse } from "yaml";`],
  ["engine/transport/embedded/topic-log.ts", `import { Names } from "../kafka/names.ts";`],
  ["engine/transport/kafka/consumer.ts", `import { TopicLog } from "../embedded/topic-log.ts";`],
  ["engine/dispatcher/dispatcher.ts", `import { Lanes } from "../transport/lanes.ts";`],
  ["engine/recovery/rewind.ts", `import { KafkaTransport } from "../transport/kafka/kafka-transport.ts";`],
  ["engine/api/saga-routes.ts", `import { Starter } from "../dispatcher/start.ts";`],
  ["engine/api/group-routes.ts", `import type { Rewind } from "../recovery/rewind.ts";`],
  ["engine/dispatcher/requests.ts", `import { Participant } from "../participant/participant.ts";`],
  ["engine/stack/kafka.ts", `import { log } from "../telemetry/log.ts";`],
  ["engine/recovery/rewind.ts", `import { Kafka } from "kafkajs";`],
  ["engine/dispatcher/timers.ts", `import postgres from "postgres";`],
  ["engine/telemetry/log.ts", `const part = await import(somewhere);`],
  ["engine/nowhere/thing.ts", `import { decide } from "../core/decide.ts";`],
];

test.each(OFFENDERS)("%s may not say: %s", (path, source) => {
  expect(violationsOf({ path, source })).toHaveLength(1);
});

test("the scanner sees every form of import and is not fooled by comments and texts", () => {
  const source = [
    `import a, { type B } from "./a.ts";`,
    `import type {\n  C,\n} from './c.ts';`,
    `import "./side-effect.ts";`,
    `export * from "./d.ts";`,
    "const e = await import(`./e.ts`);",
    `type F = import("./f.ts").F;`,
    `const g = await import(name);`,
    `// import x from "./comment.ts";`,
    `/* import x from "./comment.ts"; */`,
    'const text = `import x from "./text.ts" ${ await import("./inside.ts") }`;',
    `const quoted = 'import x from "./quoted.ts"';`,
    `const pattern = /import x from "[.]\\/pattern"/;`,
  ].join("\n");

  expect(
    importsOf(source)
      .map(({ specifier }) => specifier)
      .sort(),
  ).toEqual(["./a.ts", "./c.ts", "./d.ts", "./e.ts", "./f.ts", "./inside.ts", "./side-effect.ts", null]);
});
