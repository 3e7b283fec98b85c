import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { EVENT_TYPES } from "../../engine/participant/timeline-events.ts";
import { root } from "../architecture/project-files.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";
import { ekiden } from "./run-cli.ts";

let home: TempHome;

beforeEach(async () => {
  home = await tempHome();
  await mkdir(join(home.path, "trip"));
});
afterEach(() => home.remove());

async function checked(declared: string) {
  await Bun.write(
    join(home.path, "trip/domain.ts"),
    `import { defineDomain, succeeded } from "ekiden";
import * as v from "valibot";
const input = v.strictObject({ seat: v.string() });
const ticket = async () => succeeded();
const handlers = {};
export default defineDomain({ name: "trip", ${declared} });
`,
  );
  return ekiden(["check"], { EKIDEN_DOMAINS: home.path });
}

const step = 'domain "trip", step "reserve"';
const shown = 'domain "trip", projection "seats"';

test.each([
  ["steps: { reserve: { input, handler: ticket } }", `${step}: there is no key \`handler\``, "Did you mean `run`?"],
  ["steps: { reserve: { input, rum: ticket } }", `${step}: there is no key \`rum\``, "Did you mean `run`?"],
  ["steps: { reserve: { input, run: ticket, ouput: input } }", `${step}: there is no key \`ouput\``, "`output`"],
  [
    "steps: { reserve: { input, retries: 3 } }",
    `${step}: there is no key \`retries\``,
    "Known here: input, output, run",
  ],
  ['steps: { reserve: { input, run: "ticket" } }', `${step}: \`run\` is no function`, "Give it the handler itself"],
  ["steps: { reserve: { input, run: handlers.tickt } }", `${step}: \`run\` is no function`, "or leave `run` out"],
  ["steps: { reserve: { input, runMany: true } }", `${step}: \`runMany\` is no function`, "Leave it out"],
  ["steps: { reserve: { input, run: ticket, external: 1 } }", `${step}: \`external\` is neither true nor false`, ""],
  ["steps: { reserve: { input: { seat: String } } }", `${step}: \`input\` is no valibot schema`, "v.strictObject"],
  ["steps: { reserve: { run: ticket } }", `${step}: \`input\` is no valibot schema`, "v.strictObject"],
  ["steps: { reserve: { input, output: {} } }", `${step}: \`output\` is no valibot schema`, "v.strictObject"],
  ["steps: { reserve: { input: v.objectAsync({}) } }", `${step}: \`input\` is an asynchronous schema`, ""],
  ["steps: { reserve: ticket }", `${step}: is no object`, "A step is { input, output, run }."],
  ["step: { reserve: { input } }", 'domain "trip": there is no key `step`', "Did you mean `steps`?"],
  ["steps: {}, projections: [1]", 'domain "trip": `projections` is no map of projections', "defineDomain"],
  [
    "steps: {}, projections: { seats: { on: [], apply: 1, rebuild: ticket } }",
    `${shown}: \`apply\` is no function`,
    "",
  ],
  ["steps: {}, projections: { seats: { on: [], apply: ticket } }", `${shown}: \`rebuild\` is no function`, "`table`"],
  ["steps: {}, projections: { seats: { on: 1, apply: ticket, table: 't' } }", `${shown}: \`on\` is no list`, "saga."],
  ["steps: {}, projections: { seats: { on: [], aply: ticket, rebuild: ticket } }", "no key `aply`", "mean `apply`?"],
  [
    "steps: {}, projections: { seats: { on: ['saga.started', 'step.succeded'], apply: ticket, rebuild: ticket } }",
    `${shown}: \`on\` names no type of event: step.succeded`,
    "Did you mean `step.succeeded`?",
  ],
  [
    "steps: {}, projections: { seats: { on: ['step.requested'], apply: ticket, rebuild: ticket } }",
    `${shown}: \`on\` names no type of event: step.requested`,
    "",
  ],
  ["steps: {}, projections: { seats: ticket }", `${shown}: is no object`, "A projection is"],
])("refused: %s", async (declared, message, hint) => {
  const { code, out } = await checked(declared);

  expect(out).toContain("trip/domain.ts:1:1: error: ");
  expect(out).toContain(message);
  expect(out).toContain(hint);
  expect(code).toBe(1);
});

test.each([
  "steps: { reserve: { input } }",
  "steps: { reserve: { input, output: input, run: ticket }, elsewhere: { input, output: input } }",
  "steps: { reserve: { input, external: true, run: ticket }, many: { input, runMany: ticket } }",
  "steps: {}, projections: { seats: { on: ['saga.completed'], table: 'seat', apply: ticket } }",
])("taken: %s", async (declared) => {
  const { code, out } = await checked(declared);

  expect(out).toContain("0 definitions and 1 domain: 0 errors, 0 warnings");
  expect(code).toBe(0);
});

test("every type of event that the engine writes to the timeline can be asked for, and no other", async () => {
  const sources = await Array.fromAsync(new Bun.Glob("*.ts").scan({ cwd: join(root, "engine/core"), absolute: true }));
  const text = (await Promise.all(sources.map((file) => Bun.file(file).text()))).join("\n");
  const written = [...text.matchAll(/type: "([a-z]+\.[a-z]+)"(?: \| "([a-z]+\.[a-z]+)")?/g)].flatMap(
    ([, one = "", other]) => (other === undefined ? [one] : [one, other]),
  );
  // The commands lie in topics of their own; how a saga ends is written by its status.
  const commands = ["step.requested", "compensation.requested"];
  const types = new Set([...written, "saga.failed", "saga.cancelled"].filter((type) => !commands.includes(type)));

  expect([...EVENT_TYPES].sort()).toEqual([...types].sort());
  const page = await Bun.file(join(root, "docs/write-a-domain.md")).text();
  expect([...EVENT_TYPES].filter((type) => !page.includes(`\`${type}\``))).toEqual([]);
});
