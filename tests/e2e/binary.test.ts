import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import postgres from "postgres";

import { root } from "../architecture/project-files.ts";
import { eventually } from "../support/engine.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

let home: TempHome;
let database: FreshDatabase;
let binary: string;
let engine: Bun.Subprocess<"ignore", "pipe", "pipe"> | undefined;
let said = "";
let url = "";

beforeAll(async () => {
  [home, database] = await Promise.all([tempHome(), freshDatabase()]);
  binary = join(home.path, "ekiden");
  const compile = Bun.spawn([process.execPath, "scripts/compile.ts", binary], {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const err = await new Response(compile.stderr).text();
  if ((await compile.exited) !== 0) throw new Error(err);
  // Away from the project, so that no package and no source of it is found.
  await cp(join(root, "domains"), join(home.path, "domains"), { recursive: true });
}, 60_000);

afterAll(async () => {
  engine?.kill("SIGKILL");
  await engine?.exited;
  await database?.drop();
  await home?.remove();
}, 30_000);

function run(...args: readonly string[]): Bun.Subprocess<"ignore", "pipe", "pipe"> {
  return Bun.spawn([binary, ...args], {
    cwd: home.path,
    env: { DATABASE_URL: database.url, PORT: "0", EKIDEN_LOG: "json", EKIDEN_URL: url },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

test("the binary is an engine: it migrates a fresh database by the files' own names and listens", async () => {
  engine = run("engine");
  const gather = async (stream: ReadableStream<Uint8Array>) => {
    for await (const chunk of stream) said += new TextDecoder().decode(chunk);
  };
  void Promise.all([gather(engine.stdout), gather(engine.stderr)]);
  url = await eventually("it is ready", async () => {
    if (engine?.exitCode !== null) throw new Error(said);
    return /API {2,}(http:\/\/127\.0\.0\.1:\d+)/.exec(said)?.[1];
  });
  const sql = postgres(database.url, { max: 1 });
  const applied = await sql<
    { file: string }[]
  >`select file from timeline.migration where schema_name = 'timeline' order by 1`;
  await sql.end({ timeout: 5 });
  expect(applied.map(({ file }) => file)).toEqual(readdirSync(join(root, "sql")).sort());
}, 30_000);

test("it is the command line too, and its engine carries a saga through domains that it loads from a folder", async () => {
  const start = run("start", "onboarding", "--input", "domains/onboarding.example.json", "--wait", "30s", "--json");
  const [out, err, code] = await Promise.all([
    new Response(start.stdout).text(),
    new Response(start.stderr).text(),
    start.exited,
  ]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(JSON.parse(out)).toMatchObject({ definition: "onboarding", status: "completed" });
}, 60_000);

test("the console is in it", async () => {
  const page = await (await fetch(url)).text();
  const [, script = ""] = /src="([^"]+)"/.exec(page) ?? [];

  expect((await fetch(`${url}${script}`)).headers.get("content-type")).toContain("javascript");
});

test("the reference's page is in it, and a signal ends it in order", async () => {
  const style = await fetch(`${url}/docs/swagger-ui.css`);
  expect(await style.text()).toBe(await Bun.file(join(root, "node_modules/swagger-ui-dist/swagger-ui.css")).text());

  engine?.kill("SIGTERM");
  expect(await engine?.exited).toBe(0);
  // Its threads are programs of their own, and in it, too.
  expect(said).not.toContain("thread");
}, 60_000);
