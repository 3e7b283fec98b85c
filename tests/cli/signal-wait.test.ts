import { afterEach, expect, test } from "bun:test";

import { ekiden } from "./run-cli.ts";
import { problem, view } from "./scripted-server.ts";

const SAGA = "01KAS0CW5V8XJQ6Z3T4M7N9PRD";
const SIGNAL = ["signal", SAGA, "approved", "--payload", '{"by":"x"}'];

let server: ReturnType<typeof Bun.serve> | undefined;
afterEach(async () => {
  await server?.stop(true);
});

/** An engine that takes signals, and whose saga stands like this. */
function serve(saga: object, taken?: Response) {
  const asked: string[] = [];
  server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const { pathname, search } = new URL(request.url);
      asked.push(`${request.method} ${pathname}${search}`);
      if (request.method === "GET") return Response.json({ ...view(SAGA), ...saga }) as never;
      const messageId = "01KAS0CW5W3H9E6P0R8B2D4FGT";
      return (taken ?? Response.json({ sagaId: SAGA, status: "running", messageId, applied: true })) as never;
    },
  });
  return { asked, environment: { EKIDEN_URL: server.url.origin } };
}

test("signal --wait waits for the saga as start --wait does: the same output, exit code 0 when it is completed, else 4", async () => {
  const done = serve({ status: "completed", output: { amount: 600 } });
  const { code, out } = await ekiden([...SIGNAL, "--wait", "10s"], done.environment);
  expect([code, out]).toEqual([
    0,
    expect.stringMatching(/^saga {8}01KAS0CW5V8XJQ6Z3T4M7N9PRD\n[\s\S]*\nstatus {6}completed\n/),
  ]);
  expect(done.asked).toEqual([`POST /v1/sagas/${SAGA}/signals/approved`, `GET /v1/sagas/${SAGA}?wait=10s`]);
  const json = await ekiden([...SIGNAL, "--wait", "10s", "--json"], done.environment);
  expect(JSON.parse(json.out)).toMatchObject({ sagaId: SAGA, status: "completed", output: { amount: 600 } });

  await server?.stop(true);
  const parked = await ekiden([...SIGNAL, "--wait", "10s"], serve({ status: "parked" }).environment);
  expect([parked.code, parked.err]).toEqual([4, `saga ${SAGA} is parked\n`]);
}, 30_000);

test("without --wait it says what was recorded; a refused signal is not waited for", async () => {
  const { asked, environment } = serve({});
  expect((await ekiden(SIGNAL, environment)).out).toContain("message 01KAS0CW5W3H9E6P0R8B2D4FGT applied");
  expect(asked).toEqual([`POST /v1/sagas/${SAGA}/signals/approved`]);

  await server?.stop(true);
  const refusing = serve({}, problem(409, "saga.final"));
  const refused = await ekiden([...SIGNAL, "--wait", "10s"], refusing.environment);
  expect([refused.code, refusing.asked.length]).toEqual([1, 1]);
}, 30_000);

test.each([
  ["soon", "no duration like 30s"],
  ["61s", "longer than 60s"],
])(
  "a wait of %s is refused before the signal is sent: exit code 2",
  async (wait, why) => {
    const { asked, environment } = serve({});
    const { code, err } = await ekiden([...SIGNAL, "--wait", wait], environment);
    expect([code, err, asked]).toEqual([2, expect.stringContaining(why), []]);
  },
  30_000,
);
