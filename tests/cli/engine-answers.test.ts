import { afterEach, expect, test } from "bun:test";

import { ekiden } from "./run-cli.ts";
import { problem } from "./scripted-server.ts";

let server: { stop(force?: boolean): unknown } | undefined;
afterEach(() => void server?.stop(true));

function answering(response: () => Response): {
  readonly url: string;
  readonly keys: (string | null)[];
  readonly paths: string[];
} {
  const keys: (string | null)[] = [];
  const paths: string[] = [];
  const started = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      keys.push(request.headers.get("authorization"));
      paths.push(new URL(request.url).pathname);
      return response() as never;
    },
  });
  server = started;
  return { url: started.url.origin, keys, paths };
}

/** Exit code and what a person reads. */
async function list(environment: Record<string, string>): Promise<readonly [number, string]> {
  const { code, out, err } = await ekiden(["groups"], { EKIDEN_API_KEY: "", ...environment });
  return [code, out + err];
}

const EMPTY = () => Response.json({ items: [] }) as never;

test("EKIDEN_API_KEY is sent as bearer, and a path of EKIDEN_URL is kept", async () => {
  const { url, keys, paths } = answering(EMPTY);
  await list({ EKIDEN_URL: url });
  await list({ EKIDEN_URL: `${url}/ekiden/`, EKIDEN_API_KEY: "k1.secret" });
  expect([keys, paths]).toEqual([
    [null, "Bearer k1.secret"],
    ["/v1/consumer-groups", "/ekiden/v1/consumer-groups"],
  ]);
  expect(await list({ EKIDEN_URL: url, EKIDEN_API_KEY: "two\nlines" })).toEqual([
    2,
    "EKIDEN_API_KEY holds a character that no key has: copy it again.\n",
  ]);
}, 30_000);

test("a key that is missing or refused is said so: exit code 1", async () => {
  const { url } = answering(() => problem(401, "auth.required"));
  expect(await list({ EKIDEN_URL: url })).toEqual([
    1,
    "The engine asks who calls: set EKIDEN_API_KEY.\nabout auth.required\n",
  ]);
  const [code, text] = await list({ EKIDEN_URL: url, EKIDEN_API_KEY: "old" });
  expect([code, text]).toEqual([1, expect.stringContaining("does not accept the key in EKIDEN_API_KEY")]);
}, 30_000);

test("an answer that is none of an engine's asks whether the address is right", async () => {
  const html = answering(
    () => new Response("<html>hello</html>", { headers: { "content-type": "text/html" } }) as never,
  );
  expect(await list({ EKIDEN_URL: html.url })).toEqual([
    1,
    `${html.url}/v1/consumer-groups answered 200 without JSON: is EKIDEN_URL the engine's address?\n`,
  ]);
  server?.stop(true);
  const other = answering(() => Response.json({ message: "Not Found" }, { status: 404 }) as never);
  expect(await list({ EKIDEN_URL: other.url })).toEqual([
    1,
    `The answer 404 is none of an engine's: {"message":"Not Found"}\nIs EKIDEN_URL the engine's address?\n`,
  ]);
}, 30_000);

test("why no engine answers is said: no host, no TLS, a closed connection; exit code 3", async () => {
  const { url } = answering(EMPTY);
  expect(await list({ EKIDEN_URL: "http://nowhere.invalid:8080" })).toEqual([
    3,
    'There is no host "nowhere.invalid": is EKIDEN_URL right?\n',
  ]);
  const [code, text] = await list({ EKIDEN_URL: url.replace("http:", "https:") });
  expect([code, text]).toEqual([3, expect.stringContaining("does not speak TLS")]);
  const closing = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (socket) => void socket.end("nothing\r\n\r\n") },
  });
  expect(await list({ EKIDEN_URL: `http://127.0.0.1:${closing.port}` })).toEqual([
    3,
    expect.stringContaining("closed the connection without an answer"),
  ]);
  closing.stop(true);
  expect(await list({ EKIDEN_URL: "localhost" })).toEqual([2, expect.stringContaining("which is no address like")]);
}, 30_000);

test("a reader that has gone is no error", async () => {
  const state = { paused: false, pausedReason: null, lag: 0, lagSeconds: null, partitions: [], members: [] };
  const item = { group: "g".repeat(60), ...state };
  const { url } = answering(
    () => Response.json({ items: Array.from({ length: 5_000 }, () => item), nextCursor: null }) as never,
  );
  const line = `"${process.execPath}" engine/boot.ts engine/cli.ts groups; echo "code $?" >&2`;
  const shell = Bun.spawn(["sh", "-c", `(${line}) | head -1`], {
    cwd: `${import.meta.dir}/../..`,
    env: { ...process.env, EKIDEN_URL: url },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err] = await Promise.all([new Response(shell.stdout).text(), new Response(shell.stderr).text()]);
  expect([out.startsWith("GROUP"), err]).toEqual([true, "code 0\n"]);
}, 30_000);

test("every command that changes something sends the Idempotency-Key it was given", async () => {
  const reason = ["--reason", "mended"];
  const commands = [
    ["cancel", "S", ...reason],
    ["retry", "S", ...reason],
    ["skip", "S", "--step", "a", ...reason],
    ["resolve", "S", "--step", "a", ...reason],
    ["terminate", "S", ...reason],
    ["pause", "g", ...reason],
    ["resume", "g", ...reason],
    ["rewind", "g", "--first-error", ...reason],
    ["dismiss", "M", ...reason],
    ["redrive", "M", ...reason],
    ["redrive", "M", "N", ...reason],
    ["redrive", "--group", "g", ...reason],
    ["redrives", "continue", "R", ...reason],
    ["redrives", "stop", "R", ...reason],
    ["republish", ...reason],
    ["rebuild", "p", ...reason],
    ["pipeline", "restart", ...reason],
    ["definitions", "retire", "d", ...reason],
    ["definitions", "restore", "d", ...reason],
  ];
  const sent: (string | null)[] = [];
  const redriven: unknown[] = [];
  const started = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      sent.push(request.headers.get("idempotency-key"));
      if (new URL(request.url).pathname === "/v1/redrives") redriven.push(await request.json());
      return problem(409, "saga.final") as never;
    },
  });
  server = started;
  const ends = await Promise.all(
    commands.map((args, n) => ekiden([...args, "--key", `k${n}`], { EKIDEN_URL: started.url.origin })),
  );

  expect(ends.map(({ code }) => code)).toEqual(commands.map(() => 1));
  expect(sent.toSorted()).toEqual(commands.map((_, n) => `k${n}`).toSorted());
  // Several messages are one redrive, as what a filter finds is.
  const all = { reason: "mended", preview: false };
  expect(redriven).toHaveLength(2);
  expect(redriven).toContainEqual({ messageIds: ["M", "N"], ...all });
  expect(redriven).toContainEqual({ filter: { group: "g" }, ...all });
}, 60_000);
