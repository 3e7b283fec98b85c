import { afterAll, beforeAll, expect, test } from "bun:test";

import { EkidenClient, EkidenError } from "../../client/ekiden.ts";
import { apiDocument, operationsOf } from "../../scripts/api-document.ts";
import { curlOf } from "../../scripts/api-page.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";

let t: TestEngine;
let client: EkidenClient;

beforeAll(async () => {
  t = await testEngine("embedded");
  client = new EkidenClient({ url: t.url });
}, 60_000);

afterAll(() => t?.close(), 30_000);

const start = (id: string, body: unknown, idempotencyKey?: string) =>
  client.call("startSaga", { path: { id }, body }, idempotencyKey === undefined ? {} : { idempotencyKey });

test("a saga is started once for each key, waited for, signalled, and ends with its typed state", async () => {
  const input = { note: "typed", patience: "long" };
  const { sagaId } = await start("waiting", input, "once");
  expect((await start("waiting", input, "once")).sagaId).toBe(sagaId);
  await eventually("it waits", async () => {
    const { waitingFor } = await client.call("getSaga", { path: { id: sagaId } });
    return waitingFor?.[0]?.signal === "decided";
  });

  const accepted = await client.call("signalSaga", { path: { id: sagaId, signal: "decided" }, body: { ok: true } });
  expect(accepted).toMatchObject({ sagaId, applied: true });
  const saga = await client.call("getSaga", { path: { id: sagaId }, query: { wait: "20s" } });
  expect([saga.status, saga.steps.map(({ path }) => path).at(-1)]).toEqual(["completed", "second"]);
});

test("items goes through all pages of a list, with filters", async () => {
  const started: string[] = [];
  for (const note of ["a", "b", "c", "d", "e"]) started.push((await start("one_step", { note })).sagaId);
  const listed: string[] = [];
  for await (const { sagaId } of client.items("listSagas", { query: { definition: "one_step", limit: 2 } }))
    listed.push(sagaId);
  expect(listed).toEqual(started.toReversed());
});

test("a fault is an error with the engine's code, hint and fields", async () => {
  const unknown = await start("no_such", {}).catch((error: unknown) => error);
  expect(unknown).toBeInstanceOf(EkidenError);
  expect(unknown).toMatchObject({ status: 404, code: "saga.unknown-definition", hint: expect.any(String) });
  const invalid = await start("one_step", {}).catch((error: unknown) => error);
  expect(invalid).toMatchObject({
    status: 422,
    code: "saga.input-invalid",
    problem: { errors: [{ pointer: "/note", detail: expect.any(String) }] },
  });
});

test("the events of a saga come in order until its end, and go on behind any of them", async () => {
  const { sagaId } = await start("waiting", { note: "streamed", patience: "long" });
  const read = async (after?: string) => {
    const seen: { readonly id: string | undefined; readonly what: string }[] = [];
    for await (const one of client.events(sagaId, after === undefined ? {} : { after })) {
      if (one.event !== "ready")
        seen.push({ id: one.id, what: one.event === "message" ? `${one.data.kind} ${one.data.type}` : one.event });
      else if (after === undefined)
        await client.call("signalSaga", { path: { id: sagaId, signal: "decided" }, body: { ok: true } });
    }
    return seen;
  };
  const all = await read();
  expect(all.map(({ what }) => what)).toContain("applied signal.received");
  expect(all.at(-1)?.what).toBe("end");
  // An id also says up to where the reader had seen, which is another time's affair.
  const told = (events: typeof all) => events.map(({ what }) => what);
  expect(told(await read(all[1]?.id))).toEqual(told(all.slice(2)));
}, 30_000);

test("every reading call of docs/API.md runs as it stands there, with ids that exist", async () => {
  const { sagaId } = await start("one_step", { note: "curl" });
  await client.call("getSaga", { path: { id: sagaId }, query: { wait: "20s" } });
  const { items } = await client.call("listMessages", { query: { saga: sagaId } });
  const { revisions } = await client.call("getDefinition", { path: { definition: "one_step" } });
  const partitions = await client.call("listPartitions");
  const real: readonly (readonly [string | RegExp, string])[] = [
    ["01KAS0CW5V8XJQ6Z3T4M7N9PRD", sagaId],
    ["01KAS0CW5W3H9E6P0R8B2D4FGT", items[0]?.messageId ?? ""],
    [/9f86d081884c7d65[^"]*/, revisions[0]?.revision ?? ""],
    ["event_request_202601", partitions.items[0]?.name ?? ""],
    ["definitions/onboarding", "definitions/one_step"],
    ["consumer-groups/screening", "consumer-groups/lab"],
  ];
  // Nothing was sent again, republished or rebuilt here, and streams do not end.
  const elsewhere = new Set(["getRedrive", "getRepublish", "getRebuild", "streamAll", "streamSaga"]);
  const document = await apiDocument();
  const reading = operationsOf(document).filter(
    ({ method, operation }) => method === "GET" && !elsewhere.has(operation.operationId),
  );
  const answered = await Promise.all(
    reading.map(async ({ path, method, operation }) => {
      const command = real.reduce(
        (text, [from, to]) => text.replace(from, to),
        curlOf(document, path, method, operation),
      );
      const child = Bun.spawn(["sh", "-c", `${command} -o /dev/null -w '%{http_code}'`], {
        env: { PATH: process.env.PATH ?? "", EKIDEN_URL: t.url, EKIDEN_API_KEY: "" },
        stdio: ["ignore", "pipe", "inherit"],
      });
      return `${operation.operationId} ${await new Response(child.stdout).text()}`;
    }),
  );
  expect(answered.length).toBeGreaterThan(20);
  expect(answered.filter((line) => !line.endsWith(" 200"))).toEqual([]);
}, 60_000);
