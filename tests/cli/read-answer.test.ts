import { afterEach, expect, test } from "bun:test";
import * as v from "valibot";

import { DefinitionDetail } from "../../engine/api/definition-schema.ts";
import { HealthReport } from "../../engine/api/health-schema.ts";
import { Saga, SagaList } from "../../engine/api/saga-schema.ts";
import { readAnswer } from "../../engine/cli/read-answer.ts";
import { waitingText } from "../../engine/cli/waiting-text.ts";
import { newId } from "../../engine/timeline/ids.ts";
import { ekiden } from "./run-cli.ts";
import { ScriptedServer, view } from "./scripted-server.ts";

let server: ScriptedServer | undefined;
afterEach(() => server?.stop());

const AT = "2026-01-31T12:00:00.000Z";
const STEP = { path: "a", status: "running", attempts: 1, startedAt: AT, finishedAt: null };

/** A saga as a later engine may show it: each object has one more key. */
function later(sagaId: string) {
  const parent = { sagaId: newId(), step: "child", lane: 4 };
  const error = { code: "no", message: "on purpose", step: "a", advice: "none" };
  const child = { sagaId: newId(), definition: "e", status: "running", lane: 4 };
  const waiting = { kind: "child", step: "a", since: AT, until: null, child, by: "kafka" };
  return { ...view(sagaId), parent, error, waiting, steps: [{ ...STEP, lane: 4 }], lane: 4 };
}

test("start takes what a later engine answers, with keys that it does not know at every depth", async () => {
  const id = newId();
  server = new ScriptedServer();
  server.answer = () => Response.json(later(id), { status: 201 });
  const { code, out, err } = await ekiden(["start", "d"], { EKIDEN_URL: server.url });
  expect([code, err, out.includes(id)]).toEqual([0, "", true]);
}, 30_000);

test("start says that a saga had been started before, to a person", async () => {
  server = new ScriptedServer();
  const id = newId();
  server.answer = () => Response.json(view(id), { status: 200 });
  const started = async (...args: string[]) => {
    const { code, out, err } = await ekiden(["start", "d", ...args], { EKIDEN_URL: server?.url ?? "" });
    return [code, err, out.includes(id)];
  };
  expect(await started()).toEqual([0, "It had been started before: nothing new was started.\n", true]);
  expect(await started("--json")).toEqual([0, "", true]);
}, 30_000);

test("keys that are not known are kept, in whatever they stand", () => {
  const saga = later(newId());
  expect(readAnswer(Saga, saga)).toMatchObject({ success: true, output: saga });
  const list = { items: [saga], nextCursor: null, total: 4 };
  expect(readAnswer(SagaList, list)).toMatchObject({ success: true, output: list });
  const records = v.record(v.string(), v.strictObject({ a: v.string() }));
  expect(readAnswer(records, { x: { a: "1", b: 2 } }).output).toEqual({ x: { a: "1", b: 2 } } as never);
  const choice = v.union([v.literal("none"), v.strictTuple([v.strictObject({ a: v.string() })])]);
  expect(readAnswer(choice, [{ a: "1", b: 2 }]).output).toEqual([{ a: "1", b: 2 }] as never);
  for (const schema of [DefinitionDetail, HealthReport]) expect(readAnswer(schema, {}).success).toBe(false);
});

test("a text that a later engine chose from more than is known is shown as it is", async () => {
  const id = newId();
  const waiting = { kind: "approval", step: "a", since: AT, until: null };
  const saga = { ...later(id), status: "resting", steps: [{ ...STEP, status: "queued" }], waiting };
  expect(readAnswer(Saga, saga)).toMatchObject({ success: true, output: saga });
  server = new ScriptedServer();
  server.answer = () => Response.json(saga, { status: 201 });
  const { code, out, err } = await ekiden(["start", "d"], { EKIDEN_URL: server.url });
  expect([code, err, out.includes("resting"), out.includes("queued")]).toEqual([0, "", true, true]);
  expect(waitingText(waiting as never)).toBe("approval at a since 2026-01-31 12:00:00Z");
  for (const wrong of [null, 1, ["running"]]) expect(readAnswer(Saga, { ...saga, status: wrong }).success).toBe(false);
});

test("what is missing or of another type is refused, whatever stands beside it", () => {
  const saga = later(newId());
  const { attempts: _, ...without } = STEP;
  for (const wrong of [
    { ...saga, steps: [{ ...without, lane: 4 }] },
    { ...saga, steps: [{ ...STEP, attempts: "1", lane: 4 }] },
    { ...saga, version: undefined },
    { ...saga, waiting: { kind: "answer", lane: 4 } },
  ])
    expect(readAnswer(Saga, wrong).success).toBe(false);
});
