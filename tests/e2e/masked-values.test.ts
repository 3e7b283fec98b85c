import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { FatalError } from "ekiden";

import { Client } from "../support/client.ts";
import { type EditableDomains, editableLab } from "../support/editable-domains.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { behave, calm } from "../support/lab/lab/behaviour.ts";

/** What the API shows in the place of a sensitive value is sent back to it, taken over with the rest of a body. */
const letter = (sensitive: string) => `
saga: ${sensitive === "" ? "open" : "letter"}
version: 1
input:
  note: string
  cards: list<string>
  owner: { name: string }
${sensitive}
steps:
  - step: work
    command: lab.one
    with: { note: "\${ input.note }" }
    retry: { attempts: 1 }
  - step: review
    wait: reviewed
    returns: { remark: string, by: string }
`;

let domains: EditableDomains;
let engine: TestEngine;
const client = new Client(() => engine.url);

beforeAll(async () => {
  domains = await editableLab();
  await domains.write(
    "letter",
    letter("sensitive: [input.cards, input.owner.name, steps.work.note, steps.review.remark]"),
  );
  await domains.write("open", letter(""));
  engine = await testEngine("embedded", { domains: domains.path });
}, 60_000);
afterEach(calm);
afterAll(async () => {
  await engine?.close();
  await domains?.remove();
}, 60_000);

const INPUT = { note: "x", cards: ["4711", "0815"], owner: { name: "Hanako" } };
const masked = (pointer: string) => [{ pointer, detail: expect.stringContaining("write the value out") }];

async function refused(path: string, body: unknown) {
  const { status, json } = await client.call("POST", path, body);
  const { code, errors } = json as { code: string; errors: unknown };
  return { status, code, errors };
}

async function parked(definition: string): Promise<string> {
  behave("one", "*", () => {
    throw new FatalError("gone");
  });
  const { sagaId } = await client.start(definition, INPUT, "?wait=30s");
  expect((await client.saga(sagaId)).status).toBe("parked");
  calm();
  return sagaId;
}

test("a start with the mask in the place of a sensitive value is refused", async () => {
  const taken = { ...INPUT, cards: ["4711", "***"], owner: { name: "***" } };
  expect(await refused("/v1/sagas/letter", taken)).toEqual({
    status: 422,
    code: "saga.input-invalid",
    errors: [...masked("/cards/1"), ...masked("/owner/name")],
  });
  // Elsewhere, or beside other letters, it is a text like any other.
  const starred = { ...INPUT, note: "***", cards: ["**** **** **** 0815", "***."] };
  expect(await client.start("letter", starred)).toMatchObject({ definition: "letter" });
  expect(await client.start("open", taken)).toMatchObject({ definition: "open" });
}, 60_000);

test("so is a signal", async () => {
  for (const [definition, taken] of [
    ["letter", false],
    ["open", true],
  ] as const) {
    const { sagaId } = await client.start(definition, INPUT);
    const path = `/v1/sagas/${sagaId}/signals/reviewed`;
    if (!taken) {
      expect(await refused(path, { remark: "***", by: "ann" })).toEqual({
        status: 422,
        code: "signal.invalid",
        errors: masked("/remark"),
      });
      await client.ok("POST", path, { remark: "known ***", by: "***" });
    } else await client.ok("POST", path, { remark: "***", by: "ann" });
    expect((await client.settled(sagaId)).status).toBe("completed");
  }
}, 60_000);

test("a result with the mask in any text is refused where something is sensitive, else only where it is the whole text", async () => {
  const sagaId = await parked("letter");
  const resolve = (id: string, result: unknown) => ({ step: "work", reason: "test", result, id });
  const of = ({ id, ...body }: ReturnType<typeof resolve>) => refused(`/v1/sagas/${id}/resolve`, body);
  const invalid = { status: 422, code: "saga.result-invalid", errors: masked("/result/note") };
  expect(await of(resolve(sagaId, { note: "***" }))).toEqual(invalid);
  expect(await of(resolve(sagaId, { note: "Dear ***, hello" }))).toEqual(invalid);
  const starred = { note: "**** **** **** 0815" };
  expect((await of(resolve(sagaId, starred))).status).toBe(202);
  await eventually("it waits", async () => (await client.saga(sagaId)).waitingFor?.[0]);

  const open = await parked("open");
  expect(await of(resolve(open, { note: "***" }))).toEqual(invalid);
  expect((await of(resolve(open, { note: "Dear ***, hello" }))).status).toBe(202);
}, 60_000);
