import { afterAll, beforeAll, expect, test } from "bun:test";
import { parseConfig } from "../../engine/config.ts";
import { type RunningEngine, startEngine } from "../../engine/main.ts";
import { createLog } from "../../engine/telemetry/log.ts";
import { type EditableDomains, editableLab } from "../support/editable-domains.ts";
import { eventually } from "../support/engine.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";

let database: FreshDatabase;
let domains: EditableDomains;
let engine: RunningEngine;
const told: string[] = [];

beforeAll(async () => {
  [database, domains] = await Promise.all([freshDatabase(), editableLab()]);
  const environment = { DATABASE_URL: database.url, EKIDEN_DOMAINS: domains.path, PORT: "0" };
  engine = await startEngine(
    parseConfig(environment),
    createLog("pretty", (line) => void told.push(line)),
    () => {},
  );
}, 60_000);
afterAll(async () => {
  await engine?.stop();
  await database?.drop();
  await domains?.remove();
}, 60_000);

test("a person at the terminal sees a mistake in a definition with its line and a caret under it", async () => {
  await domains.write("torn", "saga: torn\nversion: 1\nsteps:\n  - command: lab.won\n");
  const line = await eventually("it is told", async () => told.find((each) => each.includes("lab.won")));
  const [place, ...below] = line.split("\n");
  expect(place).toMatch(/ ERROR .*torn\.saga\.yaml:4:14: error: no domain has the command `lab\.won`$/);
  expect(below).toEqual([
    "    - command: lab.won",
    "               ^",
    expect.stringMatching(/^ {2}fix: Did you mean/),
    expect.stringMatching(/^ {2}A step that was added .* started again\.$/),
    expect.stringMatching(/^ {2}The last good revision/),
    "",
  ]);
}, 60_000);
