import { afterEach, expect, test } from "bun:test";

import { cliProcess } from "../support/cli-process.ts";
import { eventually } from "../support/engine.ts";
import { ekiden } from "./run-cli.ts";
import { problem } from "./scripted-server.ts";

const SAGA = "01KAS0CW5V8XJQ6Z3T4M7N9PRD";

function event(id: string, type: string, change: object = {}): string {
  const data = {
    kind: "recorded",
    messageId: "01KAS0CW5W3H9E6P0R8B2D4FGT",
    sagaId: SAGA,
    definition: "loan",
    type,
    step: "screen",
    action: null,
    attempt: null,
    sequence: null,
    status: null,
    error: null,
    at: "2026-01-31T12:00:00.000Z",
    ...change,
  };
  return `id: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}

const END = `event: end\nid: 9.end\ndata: ${JSON.stringify({ sagaId: SAGA, status: "completed" })}\n\n`;

/** What a server does with one connection after the other: it sends a text and closes, keeps it open, or refuses. */
type Turn = { readonly text: string; readonly open?: true } | Response;

let server: ReturnType<typeof Bun.serve> | undefined;
afterEach(async () => {
  await server?.stop(true);
});

function serve(turns: readonly Turn[], port = 0) {
  const asked: { readonly path: string; readonly after: string | null }[] = [];
  server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    fetch(request) {
      const { pathname, search } = new URL(request.url);
      asked.push({ path: `${pathname}${search}`, after: request.headers.get("last-event-id") });
      const turn = turns[Math.min(asked.length, turns.length) - 1] as Turn;
      if (turn instanceof Response) return turn.clone() as never;
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(turn.text));
          if (turn.open === undefined) controller.close();
        },
      });
      return new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
    },
  });
  return { asked, url: server.url.origin };
}

test("tail connects again from where it was, tells each event once, and ends with its saga: exit code 0", async () => {
  const { url, asked } = serve([
    { text: `retry: 1000\n\nevent: ready\nid: 1\ndata: {}\n\n${event("2", "step.requested", { attempt: 2 })}` },
    problem(503, "stream.full", { "retry-after": "5" }),
    { text: `: ping\nid: 3\n\n` },
    {
      text:
        event("4", "step.failed", { error: { code: "bureau.away", message: "no answer" } }) +
        event("5", "step.failed", { kind: "applied", sequence: 4, status: "parked" }) +
        END,
    },
  ]);
  const tail = cliProcess(["tail", SAGA], url);
  expect([await tail.ended, tail.lines()]).toEqual([
    0,
    [
      "2026-01-31 12:00:00Z  step.requested screen attempt 2",
      "2026-01-31 12:00:00Z  step.failed screen  bureau.away: no answer",
      "2026-01-31 12:00:00Z  → parked (step.failed screen)",
      `saga ${SAGA} is completed`,
    ],
  ]);
  expect(asked).toEqual([null, "2", "2", "3"].map((after) => ({ path: `/v1/sagas/${SAGA}/events`, after })));
  expect(tail.errors()).toContain("connecting again");
}, 30_000);

test("tail survives the engine's restart; --json prints each event as it came; Ctrl-C is exit code 130", async () => {
  const first = serve([{ text: event("1", "saga.started"), open: true }]);
  const tail = cliProcess(["tail", "--json", "--definition", "loan", "--type", "saga.started"], first.url);
  await eventually("the first event", async () => tail.lines().length === 1);
  await server?.stop(true);
  const second = serve([{ text: event("2", "saga.completed"), open: true }], Number(new URL(first.url).port));
  await eventually("the second event", async () => tail.lines().length === 2);
  tail.kill("SIGINT");
  expect(await tail.ended).toBe(130);
  expect(tail.lines().map((line) => JSON.parse(line).type)).toEqual(["saga.started", "saga.completed"]);
  expect([...first.asked, ...second.asked].map(({ path }) => path)).toContain(
    "/v1/stream?definition=loan&type=saga.started",
  );
  expect(second.asked[0]?.after).toBe("1");
}, 30_000);

test("tail says what was missed, and that it reads too slowly", async () => {
  const { url } = serve([
    { text: `event: reset\nid: 1\ndata: {"message":"too far back"}\n\nevent: behind\ndata: {}\n\n` },
    { text: END },
  ]);
  const tail = cliProcess(["tail", SAGA], url);
  expect(await tail.ended).toBe(0);
  expect(tail.errors()).toContain("Events were missed");
  expect(tail.errors()).toContain("More happens than is read here");
}, 30_000);

test("tail ends when whoever reads it has gone, and refuses what it cannot do", async () => {
  const { url } = serve([{ text: event("1", "saga.started").repeat(2_000), open: true }]);
  const shell = Bun.spawn(["sh", "-c", `"${process.execPath}" engine/boot.ts engine/cli.ts tail --json | head -1`], {
    cwd: `${import.meta.dir}/../..`,
    env: { ...process.env, EKIDEN_URL: url },
    stdio: ["ignore", "pipe", "ignore"],
  });
  expect(JSON.parse(await new Response(shell.stdout).text()).type).toBe("saga.started");
  await shell.exited;
  const both = await ekiden(["tail", SAGA, "--type", "saga.started"], { EKIDEN_URL: url });
  expect([both.code, both.err]).toEqual([2, expect.stringContaining("leave --definition")]);
}, 30_000);

test("tail says why it was not let in: exit code 1; without an engine: 3", async () => {
  const { url } = serve([problem(404, "saga.unknown")]);
  expect(await ekiden(["tail", SAGA], { EKIDEN_URL: url })).toEqual({
    code: 1,
    out: "",
    err: "about saga.unknown\nfix: mend it\n",
  });
  const nobody = await ekiden(["tail"], { EKIDEN_URL: "http://127.0.0.1:1" });
  expect([nobody.code, nobody.err]).toEqual([3, expect.stringContaining("No engine answers at http://127.0.0.1:1")]);
}, 30_000);
