import { afterEach, expect, test } from "bun:test";

import { cliProcess } from "../support/cli-process.ts";
import { eventually } from "../support/engine.ts";
import { ekiden } from "./run-cli.ts";
import { problem, view } from "./scripted-server.ts";

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

/** `standing`: how it answers who asks for the saga itself. */
function serve(
  turns: readonly Turn[],
  port = 0,
  standing: (saga: string) => Response = () => Response.json(view(SAGA)) as never,
) {
  const asked: { readonly path: string; readonly after: string | null }[] = [];
  server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    fetch(request) {
      const { pathname, search } = new URL(request.url);
      const saga = /^\/v1\/sagas\/(\w+)$/.exec(pathname)?.[1];
      if (saga !== undefined) return standing(saga) as never;
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
      "running",
      "2026-01-31 12:00:00.000Z  step.requested screen attempt 2",
      "2026-01-31 12:00:00.000Z  step.failed screen  bureau.away: no answer",
      "2026-01-31 12:00:00.000Z  → parked (step.failed screen)",
      `saga ${SAGA} is completed`,
    ],
  ]);
  expect(asked).toEqual([null, "2", "2", "3"].map((after) => ({ path: `/v1/sagas/${SAGA}/events`, after })));
  expect(tail.errors()).toContain("connecting again");
}, 30_000);

const SINCE = "2026-01-31T11:00:00.000Z";
const READY = `event: ready\nid: 1\ndata: {}\n\n`;
const PARKED = {
  ...view(SAGA),
  status: "parked",
  error: { code: "over_limit", message: "an amount of 450\nis too much", step: "charge" },
  waiting: { kind: "person", step: "charge", since: SINCE, until: null },
};
const GOES_ON = `goes on with: ekiden retry ${SAGA} --reason "…"  (or skip, resolve, cancel, terminate)`;

function parkedStep(path: string, code: string) {
  const error = { code, message: "no", step: path };
  return { path, status: "parked", attempts: 1, startedAt: null, finishedAt: null, error };
}

test.each<[string, object, readonly string[]]>([
  [
    "a parked saga",
    PARKED,
    ["parked at charge since 2026-01-31 11:00:00Z: over_limit: an amount of 450 is too much", GOES_ON],
  ],
  [
    "one that is parked at many steps",
    { ...PARKED, steps: [..."abcdefg"].map((path) => parkedStep(path, `${path}_broke`)) },
    [
      ...[..."abcde"].map((path) => `parked at ${path} since 2026-01-31 11:00:00Z: ${path}_broke: no`),
      `… and at 2 steps more: ekiden show ${SAGA}`,
      GOES_ON,
    ],
  ],
  [
    "one that waits for a signal",
    { ...view(SAGA), waiting: { kind: "signal", step: "approval", signal: "approved", since: SINCE, until: null } },
    [
      "running: waits for signal approved since 2026-01-31 11:00:00Z",
      `goes on with: ekiden signal ${SAGA} approved --payload '…'`,
    ],
  ],
  [
    "one whose child is parked",
    {
      ...view(SAGA),
      waiting: { kind: "child", step: "kid", child: { sagaId: "01C", status: "parked" }, since: SINCE, until: null },
    },
    ["running: waits for child 01C (parked) since 2026-01-31 11:00:00Z", "goes on with its child: ekiden show 01C"],
  ],
  [
    "a completed child whose undoing is parked",
    {
      ...view(SAGA),
      status: "completed",
      error: { code: "fatal", message: "the ledger is closed", step: "pay" },
      steps: [{ path: "pay", status: "parked", attempts: 1, startedAt: SINCE, finishedAt: SINCE }],
      waiting: { kind: "person", step: "pay", since: SINCE, until: null },
    },
    [
      "parked at pay since 2026-01-31 11:00:00Z: fatal: the ledger is closed",
      `goes on with: ekiden retry ${SAGA} --reason "…"  (or skip, resolve, terminate)`,
    ],
  ],
])(
  "tail says where %s stands, and what takes it on, before it waits for events",
  async (_what, saga, expected) => {
    const { url } = serve([{ text: READY, open: true }], 0, () => Response.json(saga) as never);
    const tail = cliProcess(["tail", SAGA], url);
    await eventually("where it stands", async () => tail.lines().length >= expected.length);
    tail.kill("SIGINT");
    expect([await tail.ended, tail.lines()]).toEqual([130, expected as string[]]);
  },
  30_000,
);

test("tail names the saga below the children that somebody must act on", async () => {
  const waitsFor = (sagaId: string, status: string) => ({
    waiting: { kind: "child", step: "kid", child: { sagaId, status }, since: SINCE, until: null },
  });
  const standing = (saga: string) =>
    Response.json(
      {
        [SAGA]: { ...view(SAGA), status: "compensating", ...waitsFor("01C", "completed") },
        "01C": { ...view("01C"), status: "completed", ...waitsFor("01G", "parked") },
        "01G": { ...PARKED, sagaId: "01G" },
      }[saga],
    ) as never;
  const { url } = serve([{ text: READY, open: true }], 0, standing);
  const tail = cliProcess(["tail", SAGA], url);
  await eventually("where it stands", async () => tail.lines().length >= 3);
  tail.kill("SIGINT");
  expect([await tail.ended, tail.lines()]).toEqual([
    130,
    [
      "compensating: waits for child 01C (completed) since 2026-01-31 11:00:00Z",
      "saga 01G below it: parked at charge since 2026-01-31 11:00:00Z: over_limit: an amount of 450 is too much",
      `goes on with: ekiden retry 01G --reason "…"  (or skip, resolve, cancel, terminate)`,
    ],
  ]);
}, 30_000);

test("where a saga stands is said once, not to programs, and tail goes on without it", async () => {
  let reads = 0;
  const standing = () => {
    reads += 1;
    return problem(503, "engine.busy");
  };
  const turns = [{ text: READY }, { text: READY + END }];
  const { url } = serve(turns, 0, standing);
  const tail = cliProcess(["tail", SAGA], url);
  expect([await tail.ended, tail.lines(), reads]).toEqual([0, [`saga ${SAGA} is completed`], 1]);
  expect(tail.errors()).toContain("Where it stands could not be read: about engine.busy");

  await server?.stop(true);
  const program = cliProcess(["tail", "--json", SAGA], serve([{ text: READY + END }], 0, standing).url);
  expect([await program.ended, program.lines(), reads]).toEqual([0, [], 1]);
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
