import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";

import { copyTree, type Tree } from "../support/tree.ts";
import { ekiden } from "./run-cli.ts";
import { problem } from "./scripted-server.ts";

const OLD = "b".repeat(64);
const FILE = "domains/onboarding.saga.yaml";
let tree: Tree;
let server: ReturnType<typeof Bun.serve>;
/** What the engine runs; absent: it knows no such definition. */
let current: { readonly revision: string; readonly version: number } | undefined;

let retired: { readonly since: string; readonly by: string; readonly reason: string } | null = null;

beforeAll(async () => {
  tree = await copyTree();
  server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/v1/definitions") return Response.json(list());
      return pathname === "/v1/definitions/refund" || current === undefined
        ? problem(404, "saga.unknown-definition")
        : Response.json(detail(current));
    },
  });
});

afterAll(async () => {
  await server.stop(true);
  await tree.remove();
});

function list() {
  const items =
    current === undefined ? [] : [{ name: "onboarding", ...current, updatedAt: AT, file: null, retired: null }];
  return { items, nextCursor: null, broken: [] };
}

const AT = "2026-11-02T00:00:00.000Z";

function detail({ revision, version }: NonNullable<typeof current>) {
  const revisions = [
    { revision, version, createdAt: AT, current: true, open: 12, parked: 1 },
    { revision: OLD, version: 1, createdAt: AT, current: false, open: 3, parked: 0 },
    { revision: "d".repeat(64), version: 1, createdAt: AT, current: false, open: 0, parked: 0 },
  ];
  return {
    name: "onboarding",
    version,
    revision,
    updatedAt: AT,
    file: FILE,
    retired,
    source: "",
    schedule: null,
    startTopic: null,
    revisions,
  };
}

function revisionOf(source: string): string {
  return new Bun.CryptoHasher("sha256").update(source).digest("hex");
}

function against(...args: readonly string[]) {
  const environment = { EKIDEN_URL: server.url.origin, EKIDEN_DOMAINS: join(tree.path, "domains") };
  return ekiden(["check", "--against-running", ...args], environment);
}

test("the file is what the engine runs: the sagas that remain on each revision", async () => {
  current = { revision: revisionOf(await tree.read(FILE)), version: 1 };
  const { code, out } = await against();

  expect(out).toMatch(/^onboarding: the engine runs \S+onboarding\.saga\.yaml \(revision [0-9a-f]{12}, version 1\)$/m);
  expect(out).toMatch(/^[0-9a-f]{12} {2}1 {8}2026-11-02 00:00:00Z {2}12 {4}1 {7}new sagas run on it$/m);
  expect(out).toMatch(/^bbbbbbbbbbbb {2}1 {8}2026-11-02 00:00:00Z {2}3 {5}0$/m);
  expect(out).not.toContain("dddddddddddd");
  expect(code).toBe(0);
});

test("the file is another revision: what happens to it depends on its version", async () => {
  current = { revision: "c".repeat(64), version: 1 };
  const same = await against();
  current = { revision: "c".repeat(64), version: 3 };
  const lower = await against();
  current = { revision: "c".repeat(64), version: 0 };
  const higher = await against();

  expect(same.out).toContain("is another revision than the running one (revision cccccccccccc, version 1).");
  expect(same.out).toContain("Give it version 2: an engine in production refuses other content");
  expect(lower.out).toContain("give the file version 4 to run it.");
  expect(higher.out).toContain("New sagas run on it once the engine has it; open ones finish on theirs.");
});

test("a file that the engine has never seen, and a definition without a file", async () => {
  current = undefined;
  const unseen = await against();
  current = { revision: "c".repeat(64), version: 1 };
  const alone = await against(join(tree.path, "domains/onboarding.test.yaml"));

  expect(unseen.out).toContain("(revision ");
  expect(unseen.out).toContain(" is new to the engine\nno saga is open");
  // Files were named: nothing is asked about other definitions.
  expect(alone.out).toContain("The engine has no definition.");
});

test("a definition that has no file here is told when all are checked", async () => {
  current = { revision: "c".repeat(64), version: 1 };
  const source = await tree.read(FILE);
  await tree.edit(FILE, "saga: onboarding", "saga: refund");
  const { out } = await against();
  await tree.write(FILE, source);

  expect(out).toContain("onboarding: there is no file here; the engine runs revision cccccccccccc, version 1");
  expect(out).toMatch(/^refund: .* is new to the engine$/m);
});

test("a definition that is retired is said to be", async () => {
  current = { revision: "c".repeat(64), version: 1 };
  retired = { since: AT, by: "key:ann", reason: "sold" };
  const { out } = await against();
  retired = null;

  expect(out).toContain("\nIt was retired at 2026-11-02 00:00:00Z by key:ann: sold\n");
});

test("--json gives findings and comparison as data", async () => {
  current = { revision: OLD, version: 1 };
  const { out } = await against("--json");

  expect(JSON.parse(out)).toMatchObject({
    findings: [],
    running: [{ name: "onboarding", standing: "new", current: { revision: OLD, version: 1 } }],
  });
});

test("without an engine the findings are shown all the same: exit code 3", async () => {
  const { code, out, err } = await ekiden(["check", "--against-running"], { EKIDEN_URL: "http://127.0.0.1:1" });

  expect(out).toContain("0 errors, 0 warnings");
  expect(err).toContain("No engine answers at http://127.0.0.1:1");
  expect(code).toBe(3);
});

test("a file with a mistake is not said to be missing", async () => {
  const source = await tree.read(FILE);
  await tree.edit(FILE, "command: screening.examine", "command: screening.examin");
  current = { revision: "c".repeat(64), version: 1 };
  const running = await against();
  current = undefined;
  const never = await against();
  await tree.write(FILE, source);

  expect(running.out).toMatch(
    /^onboarding: \S+onboarding\.saga\.yaml has errors, and is not taken in; the engine runs revision cccccccccccc, version 1$/m,
  );
  expect(running.out).not.toContain("there is no file here");
  expect(running.code).toBe(1);
  expect(never.out).toMatch(
    /^onboarding: \S+ has errors, and is not taken in; the engine has no definition of this name$/m,
  );
});
