import { afterAll, beforeAll, expect, test } from "bun:test";

import { ROLES, type Role } from "../../../engine/core/grant.ts";
import { insertConsumption, insertMessage, insertSaga } from "../saga-rows.ts";
import { AccessBench, type Answer } from "./access-bench.ts";

/** A call of the document, with what stands in its path filled in. */
interface Call {
  readonly name: string;
  readonly method: string;
  readonly path: string;
}

const SECRET = "Hanako Yamada";
const PLAIN = "purple-elephant";
const SENSITIVE = ["input.name"];

let bench: AccessBench;
let calls: readonly Call[];
const keys = new Map<Role, string>();
let elsewhere: string;
let here: string;
let reading: string;
let sagaId: string;

beforeAll(async () => {
  bench = await AccessBench.open({
    sensitive: () => Promise.resolve(SENSITIVE),
    groups: () => Promise.resolve([]),
    partitions: () => Promise.resolve([]),
    rebuilt: (group) =>
      Promise.resolve({
        ...{ id: "01KAS0CW5W3H9E6P0R8B2D4FGT", group, state: "failed", events: 7, share: 0.5, code: "sql_22P02" },
        ...{
          problem: `no number: "${PLAIN}"`,
          askedAt: "2026-01-01T00:00:00.000Z",
          finishedAt: "2026-01-01T00:00:01.000Z",
        },
      }),
    verify: () =>
      Promise.resolve({
        checked: 1,
        differences: [{ sagaId, definition: "onboarding", event: null, field: "output", folded: PLAIN, stored: "1" }],
        unverifiable: [],
        last: null,
        share: 1,
      }),
  });
  const { sql } = bench.database;
  sagaId = await insertSaga(sql, {
    definition: "onboarding",
    key: "A-1",
    labels: { purpose: "car" },
    input: { name: SECRET, note: PLAIN },
    output: { note: PLAIN },
    error: { code: "rejected", message: `${SECRET} has a ${PLAIN}`, step: "apply" },
  });
  const messageId = await insertMessage(sql, {
    sagaId,
    type: "step.requested",
    step: "apply",
    headers: { note: PLAIN },
    body: { input: { name: SECRET, note: PLAIN } },
  });
  await insertConsumption(sql, { group: "application", messageId, sagaId, error: `${SECRET} has a ${PLAIN}` });
  await sql`
    insert into timeline.definition_revision (name, revision, version, source) values ('onboarding', ${"a".repeat(64)}, 1, 'saga: onboarding')
  `;
  await sql`insert into timeline.definition (name, revision, version) values ('onboarding', ${"a".repeat(64)}, 1)`;
  await sql`
    insert into timeline.audit (id, actor, action, target, reason, after)
    values ('01KAS0CW5W3H9E6P0R8B2D4FGT', 'ann', 'saga.cancel', ${sagaId}, ${`${SECRET} has a ${PLAIN}`}, ${sql.json({ note: PLAIN })})
  `;
  keys.set("admin", await bench.key({ name: "admin", role: "admin" }));
  for (const role of ROLES) if (role !== "admin") keys.set(role, await bench.key({ name: role, role }));
  elsewhere = await bench.key({ name: "elsewhere", role: "operator", payloads: true, definitions: ["loan"] });
  here = await bench.key({ name: "here", role: "operator", definitions: ["onboarding"] });
  reading = await bench.key({ name: "reading", role: "admin", payloads: true });
  calls = await callsOf({ sagaId, messageId });
}, 60_000);
afterAll(() => bench?.end());

async function callsOf(ids: { readonly sagaId: string; readonly messageId: string }): Promise<Call[]> {
  const document = (await (await bench.app.request("/openapi.json")).json()) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string }>>>>;
  };
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId }]) => ({
      name: operationId,
      method: method.toUpperCase(),
      path: path
        .replace("{id}", operationId === "startSaga" ? "onboarding" : ids.sagaId)
        .replace("{messageId}", ids.messageId)
        .replace("{definition}", "onboarding")
        .replace("{hash}", "a".repeat(64))
        .replaceAll(/\{\w+\}/g, "screening"),
    })),
  );
}

/** What is asked of no caller: probes have no keys. */
const OPEN = ["getLiveness", "getReadiness"];

/** Calls with a body that store nothing. */
const READING = ["validateDefinition", "simulateDefinition", "compareDefinitions"];

/** Who may make a call at least, by what kind of call it is; a new one that only reads is a viewer's, any other an operator's. */
function roleOf({ name, method }: Call): Role {
  if (["listKeys", "createKey", "revokeKey", "exportPartition", "dropPartition"].includes(name)) return "admin";
  if (["startSaga", "signalSaga"].includes(name)) return "starter";
  return method === "GET" || READING.includes(name) ? "viewer" : "operator";
}

const send = (key: string | null, { method, path }: Call) =>
  bench.call(key, method, path, method === "GET" ? undefined : {});
const closed = () => calls.filter(({ name }) => !OPEN.includes(name));

async function each(key: string | null, of: readonly Call[]): Promise<(readonly [Call, Answer])[]> {
  return Promise.all(of.map(async (call) => [call, await send(key, call)] as const));
}

test("without a key no call is answered, but for the probes", async () => {
  expect(closed().length).toBeGreaterThan(40);
  const answers = await each(null, closed());
  expect(answers.filter(([, { status, code }]) => status !== 401 || code !== "auth.required")).toEqual([]);
  expect((await bench.call(null, "GET", "/v1/nothing")).code).toBe("auth.required");
  expect((await bench.call(null, "HEAD", "/v1/sagas")).status).toBe(401);
});

test("a probe without a key is told yes or no, and nothing else", async () => {
  expect(JSON.parse((await bench.call(null, "GET", "/health/ready")).text)).toEqual({
    ready: true,
    parts: [],
    load: [],
  });
  const { load } = JSON.parse((await bench.call(reading, "GET", "/health/ready")).text) as { load: unknown[] };
  expect(load.length).toBeGreaterThan(2);
});

test.each([
  "Bearer",
  "Basic abc",
  `Bearer ekiden_${"0".repeat(26)}_${"a".repeat(43)}`,
  "Bearer ekiden__",
  "Bearer a.b.c",
])("no call is answered to %s", async (authorization) => {
  const response = await bench.app.request("/v1/sagas", { headers: { authorization } });
  expect([response.status, response.headers.get("www-authenticate")]).toEqual([401, 'Bearer realm="ekiden"']);
  expect(await response.json()).toMatchObject({ code: "auth.refused" });
});

test.each([...ROLES])("a key of the role %s is good for what the role may, and for nothing else", async (role) => {
  const key = keys.get(role) as string;
  const allowed = (call: Call) => ROLES.indexOf(role) >= ROLES.indexOf(roleOf(call));
  const answers = await each(key, closed());
  // The one call whose answer cannot be masked needs the right to read payloads too.
  const refused = answers.filter(([, { code }]) => code === "auth.forbidden").map(([{ name }]) => name);
  const expected = closed().filter((call) => !allowed(call) || call.name === "exportPartition");
  expect(refused.sort()).toEqual(expected.map(({ name }) => name).sort());
  expect(answers.filter(([, { status }]) => status === 401)).toEqual([]);
});

test("a key for other definitions sees and moves nothing of this one, whatever it calls", async () => {
  const answers = await each(elsewhere, closed());
  const let_in = answers.filter(([, { code }]) => code !== "auth.forbidden");
  expect(let_in.map(([{ name }]) => name).sort()).toEqual([
    "compareDefinitions",
    "getLanguage",
    "getMe",
    "getOverview",
    "listDefinitions",
    "listMessages",
    "listParked",
    "listParkedGroups",
    "listRetryingGroups",
    "listSagas",
    "simulateDefinition",
    "streamAll",
    "validateDefinition",
  ]);
  for (const [, { text }] of let_in) expect(text).not.toMatch(new RegExp(`${sagaId}|onboarding|${PLAIN}`));
  const asked = await bench.call(elsewhere, "GET", "/v1/sagas?definition=onboarding");
  expect(JSON.parse(asked.text)).toEqual({ items: [], nextCursor: null });
  expect(JSON.parse((await bench.call(elsewhere, "GET", "/v1/messages?error=true")).text)).toMatchObject({ items: [] });
});

test("a key for this definition sees it", async () => {
  const seen = (await each(here, closed())).filter(([, { text }]) => text.includes(sagaId)).map(([{ name }]) => name);
  expect(seen).toEqual(expect.arrayContaining(["getSaga", "getMessage", "getTimeline", "listSagas", "listMessages"]));
});

test("payloads are shown to no key without that right, not even an admin's, and what is sensitive to none", async () => {
  for (const key of [...keys.values()]) {
    const showing = (await each(key, closed())).filter(([, { text }]) => text.includes(PLAIN) || text.includes(SECRET));
    expect(showing.map(([{ name }]) => name)).toEqual([]);
  }
  const answers = await each(reading, closed());
  expect(answers.filter(([, { text }]) => text.includes(SECRET)).map(([{ name }]) => name)).toEqual([]);
  const showing = answers.filter(([, { text }]) => text.includes(PLAIN)).map(([{ name }]) => name);
  expect(showing).toEqual(
    expect.arrayContaining([
      "getSaga",
      "listSagas",
      "getTimeline",
      "listMessages",
      "getMessage",
      "listAudit",
      "verify",
      "getRebuild",
    ]),
  );
  const viewer = keys.get("viewer") as string;
  const rebuilt = JSON.parse((await bench.call(viewer, "GET", "/v1/projections/screening.tally/rebuild")).text);
  expect(rebuilt).toMatchObject({ state: "failed", code: "sql_22P02", problem: "***", events: 7 });
  const bare = JSON.parse((await bench.call(viewer, "GET", `/v1/sagas/${sagaId}`)).text);
  expect(bare).toMatchObject({
    key: "A-1",
    labels: { purpose: "car" },
    input: "***",
    output: "***",
    error: { code: "rejected", message: "***" },
  });
});
