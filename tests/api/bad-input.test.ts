/**
 * Bad input over HTTP, against a running engine. The rows of the reliability rules and where each is tested:
 *
 * | input | on HTTP | on a topic | from a handler |
 * |---|---|---|---|
 * | NUL, lone surrogate, 2^53, 1e400, nesting, `__proto__` | here; places: bad-body.test.ts | faults/bad-message, faults/bad-row | core/plain-json, faults/bad-output |
 * | body over 256 KiB | here; the exact bound: bad-body.test.ts | faults/bad-message, faults/oversized-message | faults/bad-output |
 * | alias bomb, duplicate key, 5 MB of YAML | here; definition/fixtures, definition/hostile-sources | | |
 * | names | here, request-guard.test.ts; in YAML: definition/fixtures | faults/bad-row | faults/bad-output (codes) |
 * | CR/LF in headers | here | faults/bad-message | |
 * | catastrophic regex, nested macros, long lists | here; definition/expression | | |
 * | foreign or malformed message | | faults/bad-message (Kafka), faults/bad-row (embedded) | |
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { join } from "node:path";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";

let engine: TestEngine;
const client = new Client(() => engine.url);
let sagaId: string;
let messageId: string;

beforeAll(async () => {
  engine = await testEngine("embedded", { domains: join(import.meta.dir, "../support/rough") });
  sagaId = (await client.start("keyed", { key: "open", label: "open" })).sagaId;
  [messageId] = (
    await engine.sql<
      { id: string }[]
    >`select message_id as id from timeline.event_request where correlation_id = ${sagaId}`
  ).map(({ id }) => id) as [string];
}, 120_000);
afterAll(async () => engine?.close(), 60_000);

/** Sends bytes as they are, and returns status and code of the answer. */
async function send(path: string, body: string | Uint8Array<ArrayBuffer>, type = "application/json"): Promise<string> {
  const url = engine.url + path.replace("{saga}", sagaId).replace("{message}", messageId);
  const response = await fetch(url, { method: "POST", body, headers: { "content-type": type } });
  const { code = "" } = (await response.json()) as { code?: string };
  return `${response.status} ${code}`.trim();
}

const PATHS = [
  ["/v1/sagas/keyed", "key"],
  ["/v1/sagas/{saga}/signals/told", "note"],
  ["/v1/sagas/{saga}/cancel", "reason"],
  ["/v1/sagas/{saga}/retry", "reason"],
  ["/v1/messages/{message}/redrive", "reason"],
  ["/v1/redrives", "reason"],
  ["/v1/redrives/01KAS0CW5X2V7J4H8N6D3Q1RTB/stop", "reason"],
  ["/v1/consumer-groups/rough/pause", "reason"],
  ["/v1/consumer-groups/rough/resume", "reason"],
  ["/v1/consumer-groups/rough/rewind", "reason"],
] as const;
const INVALID = "422 request.body-invalid";
const BODIES: readonly (readonly [
  what: string,
  body: (field: string) => string | Uint8Array<ArrayBuffer>,
  answer: string,
])[] = [
  ["NUL", (field) => String.raw`{"${field}":"a\u0000b"}`, INVALID],
  ["NUL in a key", (field) => String.raw`{"${field}":"a","\u0000":1}`, INVALID],
  ["a raw NUL", (field) => `{"${field}":"a\u0000b"}`, "400 request.malformed-json"],
  ["half a surrogate pair", (field) => String.raw`{"${field}":"\ud83d"}`, INVALID],
  [
    "half a surrogate pair as bytes",
    () => new Uint8Array([0x22, 0xed, 0xa0, 0xbd, 0x22]),
    "400 request.malformed-json",
  ],
  ["2^53", (field) => `{"${field}":9007199254740992}`, INVALID],
  ["1e400", (field) => `{"${field}":1e400}`, INVALID],
  ["-1e400", (field) => `{"${field}":[-1e400]}`, INVALID],
  ["NaN", (field) => `{"${field}":NaN}`, "400 request.malformed-json"],
  ["65 levels", (field) => `{"${field}":${"[".repeat(64)}${"]".repeat(64)}}`, INVALID],
  ["100,000 levels", () => "[".repeat(100_000), "400 request.malformed-json"],
  ["__proto__", (field) => `{"${field}":"a","__proto__":{"reason":"x"}}`, INVALID],
  ["constructor", (field) => `{"${field}":"a","constructor":{"prototype":{}}}`, INVALID],
  ["a key twice", (field) => `{"${field}":"a","${field}":"b"}`, INVALID],
  ["256 KiB and more", (field) => `{"${field}":"${"x".repeat(262_144)}"}`, "413 request.too-large"],
  ["9 MB", (field) => `{"${field}":"${"x".repeat(9_000_000)}"}`, "413"],
];

describe.each(PATHS)("POST %s", (path, field) => {
  test.each(BODIES)("refuses %s", async (what, body, answer) => {
    if (what !== "9 MB") expect(await send(path, body(field))).toBe(answer);
    else
      expect(
        (
          await fetch(engine.url + path.replace("{saga}", sagaId).replace("{message}", messageId), {
            method: "POST",
            body: body(field),
            headers: { "content-type": "application/json" },
          })
        ).status,
      ).toBe(413);
  });
});

test("what was refused has left nothing behind", async () => {
  expect(await client.saga(sagaId)).toMatchObject({ status: "running" });
  const rows = await engine.sql`
    select (select count(*)::integer from timeline.saga) as sagas, (select count(*)::integer from timeline.signal) as signals,
      (select count(*)::integer from timeline.audit) as audits, (select bool_or(paused) from timeline.consumer_group) as paused
  `;
  expect([...rows]).toEqual([{ sagas: 1, signals: 0, audits: 0, paused: false }]);
});

test.each([
  ["2147483648", "0", "422 request.body-invalid"],
  ["-1", "0", "422 request.body-invalid"],
  ["0.5", "0", "422 request.body-invalid"],
  ["0", "-1", "422 request.body-invalid"],
  ["0", "9007199254740991", "422 group.offset-out-of-range"],
  ["2147483647", "0", "422 group.offset-out-of-range"],
])("a rewind to partition %s, offset %s answers %s", async (partition, offset, answer) => {
  const body = `{"topic":"rough.work","partition":${partition},"offset":${offset},"reason":"test"}`;
  expect(await send("/v1/consumer-groups/rough/rewind", body)).toBe(answer);
  expect(await send("/v1/consumer-groups/rough/rewind?preview=true", body)).toBe(answer);
});

test.each(["2026-02-31T12:00:00Z", "0000-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2026-13-01T00:00:00Z", "now", ""])(
  "a rewind to the time %s is refused",
  async (timestamp) => {
    const body = JSON.stringify({ timestamp, reason: "test" });
    expect(await send("/v1/consumer-groups/rough/rewind", body)).toBe("422 request.body-invalid");
  },
);

test.each(["9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z"])(
  "a rewind to the time %s is looked at",
  async (timestamp) => {
    const body = JSON.stringify({ timestamp, reason: "test" });
    expect(await send("/v1/consumer-groups/rough/rewind?preview=true", body)).toBe("200");
  },
);

const noise = (length: number) =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(length)))
    .toString("base64")
    .slice(0, length);

test("a business key that no index can hold is refused with the reason, one of 500 characters is not", async () => {
  // Random: PostgreSQL packs what repeats, and would take it.
  const input = (length: number, label = "x") =>
    JSON.stringify({ key: `${length}${noise(length)}`.slice(0, length), label });
  expect(await send("/v1/sagas/keyed", input(500))).toBe("201");
  expect(await send("/v1/sagas/keyed", JSON.stringify({ key: "😀".repeat(250), label: "x" }))).toBe("201");
  expect(await send("/v1/sagas/keyed", input(501))).toBe("422 saga.input-invalid");
  expect(await send("/v1/sagas/keyed", input(60_000))).toBe("422 saga.input-invalid");
  expect(await send("/v1/sagas/keyed", input(10, noise(60_000)))).toBe("201");
});

test("a signal that does not fit what the step awaits is refused", async () => {
  const told = "/v1/sagas/{saga}/signals/told";
  for (const body of [
    "[]",
    "5",
    "null",
    "{}",
    '{"note":"","count":1}',
    '{"note":"x","count":1.5}',
    '{"note":"x","count":1,"more":1}',
  ])
    expect([body, await send(told, body)]).toEqual([body, "422 signal.invalid"]);
  expect(await send(told, "")).toBe("422 signal.invalid");
});

test.each([
  ["a;b", "404 saga.unknown-definition"],
  ["..", "404 request.unknown-path"],
  ["%2e%2e%2fkeyed", "404 saga.unknown-definition"],
  ["%22", "404 saga.unknown-definition"],
  ["%00", "404 saga.unknown-definition"],
  ["%ff", "404 saga.unknown-definition"],
  ["%ED%A0%BD", "404 saga.unknown-definition"],
  ["a".repeat(300), "404 saga.unknown-definition"],
  ["__proto__", "404 saga.unknown-definition"],
  ["constructor", "404 saga.unknown-definition"],
  ["Keyed", "404 saga.unknown-definition"],
])("a definition called %s is unknown", async (name, answer) => {
  expect(await send(`/v1/sagas/${name}`, '{"key":"x","label":"x"}')).toBe(answer);
});

test.each(["a;b", "%00", "a".repeat(300), "__proto__", "%0d%0a", "Told"])(
  "a signal called %s is refused",
  async (name) => {
    expect(await send(`/v1/sagas/{saga}/signals/${name}`, "{}")).toMatch(/^(?:404|422) /);
  },
);

/** Talks to the port without a client that would refuse to send it. */
function raw(request: string): Promise<string> {
  const { port, hostname } = new URL(engine.url);
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(Number(port), hostname, () => socket.write(request, "latin1"));
    socket.setTimeout(10_000, () => socket.destroy(new Error("no answer")));
    socket.on("data", (data) => {
      answer += data.toString("latin1");
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
}

test.each([
  ["a bare CR", "k\rX-Evil: 1"],
  ["NUL", "k\u0000"],
  ["a folded line", "k\r\n folded"],
  ["bytes above 127", "k\u00e9"],
  ["a tab", "a\tb"],
  ["300 characters", "k".repeat(300)],
])("an Idempotency-Key with %s starts nothing", async (_what, key) => {
  const body = '{"key":"header","label":"x"}';
  const head = `POST /v1/sagas/keyed HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json`;
  const answer = await raw(`${head}\r\nContent-Length: ${body.length}\r\nIdempotency-Key: ${key}\r\n\r\n${body}`);
  expect(answer).not.toMatch(/^HTTP\/1\.1 2/);
  expect(answer.toLowerCase()).not.toContain("x-evil");
  expect(await engine.sql`select 1 from timeline.saga where key = 'header'`).toHaveLength(0);
});

test("a traceparent that could carry more than itself is dropped", async () => {
  const headers = { traceparent: "00-11111111111111111111111111111111-2222222222222222-01;x" };
  const { json } = await client.call("POST", "/v1/sagas/keyed", { key: "trace", label: "x" }, headers);
  const [row] =
    await engine.sql`select traceparent from timeline.saga where id = ${(json as { sagaId: string }).sagaId}`;
  expect(row?.["traceparent"]).toBeNull();
});

test.each([
  ["of short names", Array.from({ length: 20_000 }, (_, at) => `f${at}`)],
  ["of long names", Array.from({ length: 10 }, (_, at) => `${at}${"k".repeat(20_000)}`)],
])(
  "an input full of fields %s that nobody knows is answered with some of them, in less than it had",
  async (_what, names) => {
    const input = { key: "full", label: "x", ...Object.fromEntries(names.map((name) => [name, 1])) };
    const { status, json } = await client.call("POST", "/v1/sagas/keyed", input);
    const { code, errors } = json as { code: string; errors: { pointer: string }[] };

    expect([status, code]).toEqual([422, "saga.input-invalid"]);
    expect(errors.length).toBeLessThanOrEqual(20);
    expect(errors[0]?.pointer.slice(0, 2)).toBe(`/${names[0]?.charAt(0)}`);
    expect(JSON.stringify(json).length).toBeLessThan(JSON.stringify(input).length);
  },
);

const head = "saga: odd\nversion: 1\n";
const bomb = Array.from({ length: 9 }, (_, level) => `a${level + 1}: &a${level + 1} [${`*a${level},`.repeat(9)}]`).join(
  "\n",
);
const named = (name: string) => `saga: "${name}"\nversion: 1\nsteps: []\n`;
const tests = (condition: string) =>
  `${head}input: { text: string, list: "list<integer>(..5000)" }\nsteps:\n  - if: ${JSON.stringify(condition)}\n    fail: odd\n`;

test.each([
  ["an alias bomb", `${head}a0: &a0 [x]\n${bomb}\nsteps: []\n`, "definition.anchor"],
  ["a key twice", `${head}version: 2\nsteps: []\n`, "definition.duplicate-key"],
  ["__proto__", `${head}__proto__: { x: 1 }\nsteps: []\n`, "definition.forbidden-key"],
  ["NUL", `${head}description: "\u0000"\nsteps: []\n`, "definition.yaml-syntax"],
  ["deep brackets", `${head}steps: ${"[".repeat(50_000)}`, "definition.yaml-syntax"],
  ["a name with ;", named("a;b"), "definition.bad-name"],
  ["a name with ..", named("../x"), "definition.bad-name"],
  ["a name of 300 characters", named("a".repeat(300)), "definition.bad-name"],
  ["a catastrophic regex", tests("input.text.matches('(a+)+$')"), "definition.unknown-function"],
  [
    "three nested macros",
    tests("input.list.all(a, input.list.all(b, input.list.all(c, a == b)))"),
    "definition.expression-syntax",
  ],
  [
    "a number over 2^53",
    `${head}steps:\n  - command: rough.work\n    with: { note: 9007199254740993 }\n`,
    "definition.bad-number",
  ],
])("a definition with %s is refused with its place", async (_what, source, code) => {
  const response = await fetch(`${engine.url}/v1/definitions/validate`, {
    method: "POST",
    body: source,
    headers: { "content-type": "text/yaml" },
  });
  const found = (await response.json()) as { severity: string; code: string; line: number }[];
  const errors = found.filter(({ severity }) => severity === "error");
  expect(response.status).toBe(200);
  expect(errors.filter(({ line }) => line > 0).map((error) => error.code)).toContain(code);
});

test("a definition of 5 MB, or of bytes, is not read", async () => {
  expect(await send("/v1/definitions/validate", `${head}${"#".repeat(5_000_000)}`, "text/yaml")).toBe(
    "413 request.too-large",
  );
  expect(await send("/v1/definitions/validate", new Uint8Array([0xff, 0xfe]), "text/yaml")).toBe(
    "400 request.malformed-json",
  );
});

test("the engine is well after all of it", async () => {
  expect((await client.call("GET", "/health/ready")).status).toBe(200);
  const good = await client.start("shouted", { note: "good" }, "?wait=20s");
  expect(good.status).toBe("completed");
  const failed = engine.log.filter((line) => line.includes("a request failed"));
  expect(failed).toEqual([]);
  await eventually("no error row is left", async () => {
    const rows = await engine.sql`select 1 from timeline.event_consumption where error_flag`;
    return rows.length === 0;
  });
});
