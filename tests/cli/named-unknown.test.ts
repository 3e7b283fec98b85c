import { afterAll, expect, test } from "bun:test";

import { newId } from "../../engine/timeline/ids.ts";
import { ekiden } from "./run-cli.ts";
import { problem } from "./scripted-server.ts";

const NOTHING_SENT = {
  redriveId: newId(),
  status: "done",
  total: 0,
  waiting: 0,
  sent: 0,
  done: 0,
  failed: 0,
  closed: 0,
  ratePerSecond: 10,
  stopAfterErrors: 3,
  problem: null,
  reason: "mended",
  actor: "ops",
  selection: { filter: { group: "trips" } },
  createdAt: "2026-01-31T12:00:00.000Z",
  finishedAt: "2026-01-31T12:00:00.000Z",
  items: [],
  nextCursor: null,
};

let refuses = false;
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (request.method === "POST" && ((await request.json()) as { preview: boolean }).preview === false)
      return Response.json(NOTHING_SENT, { status: 201 });
    if (request.method === "POST") return Response.json({ preview: true, total: 0, settled: 0, sample: [] });
    if (pathname === "/v1/consumer-groups") {
      if (refuses) return problem(403, "auth.forbidden");
      return Response.json({ items: [{ group: "dispatcher" }, { group: "screening" }], nextCursor: null });
    }
    if (pathname === "/v1/definitions") return Response.json({ items: [{ name: "loan" }], broken: [] });
    return Response.json({ items: [], nextCursor: null });
  },
});
afterAll(() => server.stop(true));

async function out(...args: string[]): Promise<string> {
  const { code, out: text, err } = await ekiden(args, { EKIDEN_URL: server.url.origin, EKIDEN_API_KEY: "" });
  expect([code, err]).toEqual([0, ""]);
  return text;
}

const NO_GROUP = 'there is no consumer group "trips"; known: dispatcher, screening.\n';
const NO_DEFINITION = 'there is no definition "nope"; known: loan.\n';

test("where nothing fits because a group or a definition does not exist, a command says so", async () => {
  expect(await out("messages", "--error", "--group", "trips")).toBe(`No message fits: ${NO_GROUP}`);
  expect(await out("list", "--definition", "nope")).toBe(`No saga fits: ${NO_DEFINITION}`);
  expect(await out("list", "--definition", "nope", "--all")).toBe(`No saga fits: ${NO_DEFINITION}`);
  const preview = await out("redrive", "--group", "trips", "--preview");
  expect(preview).toStartWith(`No failed message that is still wanted fits: ${NO_GROUP}`);
  expect(await out("redrive", "--definition", "nope", "--preview")).toContain(NO_DEFINITION);
}, 60_000);

test("a redrive that sends nothing for such a reason says so too", async () => {
  const redrive = (...args: string[]) =>
    ekiden(["redrive", ...args, "--reason", "mended"], { EKIDEN_URL: server.url.origin, EKIDEN_API_KEY: "" });
  const { code, out: text, err } = await redrive("--group", "trips");
  expect([code, err]).toEqual([0, `No failed message that is still wanted fits: ${NO_GROUP}`]);
  expect(text).toContain("0: 0 done");
  expect((await redrive("--group", "trips", "--json")).err).toBe("");
}, 60_000);

test("where the name exists, or may not be asked for, nothing fits and no more is said", async () => {
  expect(await out("messages", "--group", "screening")).toBe("No message fits.\n");
  expect(await out("list", "--definition", "loan")).toBe("No saga fits.\n");
  expect(await out("messages")).toBe("No message fits.\n");
  expect(JSON.parse(await out("messages", "--group", "trips", "--json"))).toEqual({ items: [], nextCursor: null });
  refuses = true;
  expect(await out("messages", "--group", "trips")).toBe("No message fits.\n");
}, 60_000);
