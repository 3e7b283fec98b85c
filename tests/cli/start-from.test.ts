import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { root } from "../architecture/project-files.ts";
import { cliProcess } from "../support/cli-process.ts";
import { eventually } from "../support/engine.ts";
import { ekiden } from "./run-cli.ts";
import { problem, ScriptedServer } from "./scripted-server.ts";

let server: ScriptedServer;
let folder: string;
let file: string;

beforeEach(async () => {
  server = new ScriptedServer();
  folder = await mkdtemp(join(tmpdir(), "ekiden-from-"));
  file = join(folder, "in.ndjson");
});

afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const from = (...args: string[]) => ekiden(["start", "d", "--from", file, ...args], { EKIDEN_URL: server.url });
const write = (...lines: string[]) => Bun.write(file, lines.map((line) => `${line}\n`).join(""));
const numbered = (count: number) => Array.from({ length: count }, (_, n) => JSON.stringify({ n }));

test("a second run starts nothing twice, not even one of two equal lines, and says so", async () => {
  await write('{"n":1}', '{"n":2}', '{"n":1}');
  const first = await from();
  const second = await from();

  expect(first).toMatchObject({ code: 0, out: `${file}: 3 lines: 3 started, 0 known, 0 refused\n`, err: "" });
  expect(second).toMatchObject({ code: 0, out: `${file}: 3 lines: 0 started, 3 known, 0 refused\n`, err: "" });
  expect(new Set(server.came.map(({ key }) => key)).size).toBe(3);
});

test("the text of a line is sent as it stands: a number that JSON.parse would change is the engine's to refuse", async () => {
  const bodies: string[] = [];
  const raw = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      bodies.push(await request.text());
      return problem(422, "request.body-invalid");
    },
  });
  await write('{"n": 12345678901234567890}');
  const { code } = await ekiden(["start", "d", "--from", file], { EKIDEN_URL: raw.url.origin });
  await raw.stop(true);

  expect(bodies).toEqual(['{"n": 12345678901234567890}']);
  expect(code).toBe(1);
});

test("a refused line is named with its place and the engine's reason, the others go on: exit code 1", async () => {
  await write('{"n":1}', "{", '{"n":3}', "", '{"n":5}');
  server.answer = ({ body }) => (body.n === 3 ? problem(422, "saga.input-invalid") : undefined);
  const { code, out, err } = await from();

  expect(out).toBe(`${file}: 4 lines: 2 started, 0 known, 2 refused\n`);
  expect(err).toContain(`${file}:2: is no JSON: `);
  expect(err).toContain(`${file}:3: about saga.input-invalid\nfix: mend it\n`);
  expect(code).toBe(1);
});

test("--json: one line a result on standard output, the summary on standard error", async () => {
  await write('{"n":1}', "[]");
  const { code, out, err } = await from("--json");
  const results = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { line: number });

  expect(results.sort((a, b) => a.line - b.line)).toMatchObject([
    { line: 1, result: "started", status: "running" },
    { line: 2, result: "refused", problem: { code: "request.malformed-json" } },
  ]);
  expect(err).toBe(`${file}: 2 lines: 1 started, 0 known, 1 refused\n`);
  expect(code).toBe(1);
});

test("a busy engine is called again when it said it would be ready, under the same key", async () => {
  await write('{"n":1}');
  const at: number[] = [];
  server.answer = (_, times) => {
    at.push(performance.now());
    return times <= 2 ? problem(503, "saga.busy", { "retry-after": "1" }) : undefined;
  };
  const { code, out, err } = await from();

  expect(out).toContain("1 started");
  expect(err).toBe("about saga.busy\nfix: mend it\nTrying again for 60 s.\n");
  expect(new Set(server.came.map(({ key }) => key)).size).toBe(1);
  // It may be late, never early: this is no measure of speed.
  expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(990);
  expect(code).toBe(0);
});

test("an engine that stays away ends the run after its patience, and says how to go on: exit code 3", async () => {
  await write(...numbered(40));
  const { code, out, err } = await ekiden(["start", "d", "--from", file, "--patience", "1s"], {
    EKIDEN_URL: "http://127.0.0.1:1",
  });

  expect(out).toBe("");
  expect(err.match(/Trying again for 1 s/g)).toHaveLength(1);
  expect(err).toEndWith("Waited 1 s for it.\nRun the same command again for the rest: nothing is started twice.\n");
  expect(code).toBe(3);
});

test("a proxy that has no engine behind it is no answer: the call is made again", async () => {
  await write('{"n":1}');
  server.answer = (_, times) => (times === 1 ? new Response("<h1>Bad Gateway</h1>", { status: 502 }) : undefined);
  const { code, out, err } = await from();

  expect(out).toContain("1 started");
  expect(err).toContain("answered 502 without JSON");
  expect(code).toBe(0);
});

test("a run that fails does not wait for the next line of a pipe that gives none", async () => {
  server.answer = () => problem(404, "saga.unknown-definition");
  const child = Bun.spawn([process.execPath, "engine/cli.ts", "start", "d", "--from", "-"], {
    cwd: root,
    env: { ...process.env, EKIDEN_URL: server.url },
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.stdin.write('{"n":1}\n');
  await child.stdin.flush();

  expect(await child.exited).toBe(1);
  child.stdin.end();
});

test.each([
  ["unknown", 404, "saga.unknown-definition"],
  ["retired", 409, "definition.retired"],
])("an %s definition ends the run at once: the other lines would be refused just the same", async (_, status, why) => {
  await write(...numbered(100));
  server.answer = () => problem(status, why);
  const { code, err } = await from("--concurrency", "1");

  expect(server.came.length).toBe(1);
  expect(err).toBe(`about ${why}\nfix: mend it\n`);
  expect(code).toBe(1);
});

test("Ctrl-C takes no new line, lets calls end, says what was done: exit code 130; the next run does the rest", async () => {
  await write(...numbered(200));
  const held = Promise.withResolvers<void>();
  server.answer = async ({ body }) => {
    if (body.n === 50) await held.promise;
    return undefined;
  };
  const child = cliProcess(["start", "d", "--from", file, "--concurrency", "1"], server.url);
  await eventually("the call is under way", async () => server.came.length === 51);
  child.kill("SIGINT");
  await eventually("it has seen the signal", async () => child.errors().includes("Stopping"));
  held.resolve();

  expect(await child.ended).toBe(130);
  expect(child.lines()).toEqual([`${file}: 51 lines: 51 started, 0 known, 0 refused`]);
  server.answer = () => undefined;
  expect((await from()).out).toBe(`${file}: 200 lines: 149 started, 51 known, 0 refused\n`);
});

test("no more calls are under way at once than --concurrency says", async () => {
  await write(...numbered(60));
  let now = 0;
  let most = 0;
  server.answer = async () => {
    most = Math.max(most, ++now);
    await Bun.sleep(5);
    now--;
    return undefined;
  };

  expect((await from("--concurrency", "7")).code).toBe(0);
  expect(most).toBe(7);
});

test("standard input is read as it comes", async () => {
  const child = cliProcess(["start", "d", "--from", "-"], server.url, '{"n":1}\r\n{"n":2}');

  expect(await child.ended).toBe(0);
  expect(child.lines()).toEqual(["standard input: 2 lines: 2 started, 0 known, 0 refused"]);
});

const WRONG: readonly (readonly [args: readonly string[], says: string])[] = [
  [["--from", "nowhere.ndjson"], "nowhere.ndjson is not there.\nfix: "],
  [["--from", "domains"], "domains is a folder.\nfix: "],
  [["--from", "package.json", "--input", "package.json"], "give one"],
  [["--from", "package.json", "--concurrency", "0"], 'is "0", which is no number from 1 to 256'],
  [["--from", "package.json", "--wait", "soon"], '--wait is "soon", which is no duration'],
  [["--from", "package.json", "--patience", "long"], '--patience is "long"'],
  [["--concurrency", "4"], "--concurrency goes with --from"],
];

test.each(WRONG)("wrong usage is exit code 2 and calls nobody: %p", async (args, says) => {
  const { code, err } = await ekiden(["start", "d", ...args], { EKIDEN_URL: server.url });

  expect(err).toContain(says);
  expect(server.came).toEqual([]);
  expect(code).toBe(2);
});
