import { afterAll, expect, test } from "bun:test";

import { createLog } from "../../engine/telemetry/log.ts";
import { oneLine, printable } from "../../engine/telemetry/printable.ts";
import { newId } from "../../engine/timeline/ids.ts";
import { projectFiles } from "../architecture/project-files.ts";
import { ekiden } from "./run-cli.ts";
import { view } from "./scripted-server.ts";

const SAGA = newId();
/** What would colour, ring, overwrite, turn round and break a line. */
const HOSTILE = "E\u001b[31mRED\u001b[0m\u0007\u009b2J\u007f\u202e\rx\nline2";
const SHOWN = "E\\u001b[31mRED\\u001b[0m\\u0007\\u009b2J\\u007f\\u202e\\rx\\nline2";
const error = { code: "c", message: HOSTILE, step: "charge" };
const saga = {
  ...view(SAGA),
  status: "parked",
  key: HOSTILE,
  error,
  waiting: { kind: "person", step: "charge", since: "2026-01-31T12:00:00.000Z", until: null },
};
const about = { sagaId: SAGA, messageId: SAGA, definition: "d", type: "step.failed", step: "charge", action: null };
const event = { kind: "recorded", ...about, attempt: 1, sequence: null, status: null, error, at: view(SAGA).startedAt };
const STREAM = `event: ready\nid: 1\ndata: {}\n\nevent: message\nid: 2\ndata: ${JSON.stringify(event)}\n\nevent: end\nid: 3\ndata: ${JSON.stringify({ sagaId: SAGA, status: "parked" })}\n\n`;

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname.endsWith("/events")) return new Response(STREAM, { headers: { "content-type": "text/event-stream" } });
    if (pathname === "/v1/sagas") return Response.json({ items: [saga], nextCursor: null });
    if (pathname === `/v1/sagas/${SAGA}`) return Response.json(saga);
    const body = { title: "Refused", status: 409, detail: `key ${HOSTILE} is open`, hint: `look at ${HOSTILE}` };
    return Response.json({ ...body, errors: [{ pointer: "/key", detail: HOSTILE }] }, { status: 409 });
  },
});
afterAll(() => server.stop(true));

const run = (...args: string[]) => ekiden(args, { EKIDEN_URL: server.url.origin, EKIDEN_API_KEY: "" });

test("what others chose reaches the terminal escaped, each on one line", async () => {
  const [list, show, tail, refused] = [
    await run("list"),
    await run("show", SAGA),
    await run("tail", SAGA),
    await run("show", "other"),
  ];
  for (const { out, err } of [list, show, tail, refused]) expect(out + err).toBe(printable(out + err));

  expect(list.out.split("\n")).toHaveLength(3);
  expect(list.out).toContain(SHOWN);
  expect(show.out).toContain(`key         ${SHOWN}\n`);
  expect(show.out).toContain(`error       c: ${SHOWN} (step charge)\n`);
  expect(tail.out).toContain(`step.failed charge  c: ${SHOWN}\n`);
  expect(refused.err).toBe(`key ${SHOWN} is open\n  /key ${SHOWN}\nfix: look at ${SHOWN}\n`);
}, 60_000);

test("with --json a program reads the very same values", async () => {
  const { out } = await run("list", "--json");

  expect(JSON.parse(out)).toEqual({ items: [saga], nextCursor: null } as never);
  expect(out).toBe(printable(out));
}, 30_000);

test("a text with lines of its own keeps them, and letters of every language stay", () => {
  expect(oneLine("日本 é 👩‍👩‍👧 ‏a\u2028b")).toBe("日本 é 👩‍👩‍👧 \\u200fa\\u2028b");
  expect(printable("a\tb\nc\r\n")).toBe("a\tb\nc\\u000d\n");
});

test("a log for a person has one line an event, whatever is in it", () => {
  const lines: string[] = [];
  createLog("pretty", (line) => void lines.push(line)).warn(`refused ${HOSTILE}`, {
    key: HOSTILE,
    rows: ["\u009b"],
    why: new Error("a\nb"),
  });

  expect(lines.map((line) => line.slice(13))).toEqual([
    `WARN refused ${SHOWN}  key=${SHOWN}  rows=["\\u009b"]  why=a\\nb\n`,
  ]);
});

/** A drawing goes into a file as it is. */
const WRITERS = /^engine\/cli\/(?:write-line|graph-command)\.ts$/;
const writes = (source: string) => /\bconsole\.|\bprocess\.std(?:out|err)\.write\b/.test(source);

test("commands write in one place, which escapes", () => {
  const files = projectFiles("engine/cli.ts", "engine/cli/**/*.ts").filter(({ path }) => !WRITERS.test(path));

  expect(files.length).toBeGreaterThan(50);
  expect(files.filter(({ source }) => writes(source)).map(({ path }) => path)).toEqual([]);
  expect(["console.log(key);", "process.stderr.write(key)"].every(writes)).toBe(true);
});

test("a field called lines that is no list of texts stands in the line of the log, as any other", () => {
  let text = "";
  const log = createLog("pretty", (line) => {
    text += line;
  });
  log.info("priced", { lines: 3 });
  log.info("priced", { lines: [{ sku: "a" }] });
  log.info("priced", { lines: [] });
  log.info("priced", { lines: ["one", "two\n"] });
  const [number, objects, none, ...below] = text.split("\n");
  expect([number, objects, none].map((line) => line?.slice(13))).toEqual([
    "priced  lines=3",
    'priced  lines=[{"sku":"a"}]',
    "priced  lines=[]",
  ]);
  expect(below.map((line, at) => (at === 0 ? line.slice(13) : line))).toEqual(["priced", "  one", "  two\\n", ""]);
});
