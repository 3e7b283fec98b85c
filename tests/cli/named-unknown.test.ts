import { afterAll, expect, test } from "bun:test";

import { ekiden } from "./run-cli.ts";
import { problem } from "./scripted-server.ts";

let refuses = false;
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (request.method === "POST" && ((await request.json()) as { preview: boolean }).preview === false)
      return problem(409, "redrive.nothing");
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

test("a redrive that is refused for such a reason says so too", async () => {
  const redrive = async (...args: string[]) => {
    const environment = { EKIDEN_URL: server.url.origin, EKIDEN_API_KEY: "" };
    const { code, out: text, err } = await ekiden(["redrive", ...args, "--reason", "mended"], environment);
    return [code, text, err];
  };
  const none = "No failed message that is still wanted fits";
  expect(await redrive("--group", "trips")).toEqual([1, "", `${none}: ${NO_GROUP}`]);
  expect(await redrive("--definition", "nope")).toEqual([1, "", `${none}: ${NO_DEFINITION}`]);
  expect(await redrive("--group", "screening")).toEqual([1, "", "about redrive.nothing\nfix: mend it\n"]);
}, 60_000);

test("where the name exists, or may not be asked for, nothing fits and no more is said", async () => {
  expect(await out("messages", "--group", "screening")).toBe("No message fits.\n");
  expect(await out("list", "--definition", "loan")).toBe("No saga fits.\n");
  expect(await out("messages")).toBe("No message fits.\n");
  expect(JSON.parse(await out("messages", "--group", "trips", "--json"))).toEqual({ items: [], nextCursor: null });
  refuses = true;
  expect(await out("messages", "--group", "trips")).toBe("No message fits.\n");
}, 60_000);
