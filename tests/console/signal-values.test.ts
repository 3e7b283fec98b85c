import { expect, test } from "bun:test";

import {
  jsonOfWritten,
  payloadOf,
  type SignalField,
  writtenOf,
} from "../../engine/console/src/pages/saga/signal-values.ts";

function field(name: string, kind: SignalField["kind"], required = true): SignalField {
  return { name, shape: kind, kind, required, values: [] };
}

const FIELDS = [
  field("by", "string"),
  field("amount", "integer"),
  field("urgent", "boolean", false),
  field("tags", "list", false),
];

test("a payload has what was written, each in its kind, and nothing of an empty field", () => {
  expect(payloadOf(FIELDS, { by: "Sato", amount: "12", urgent: "false", tags: '["a"]' }).payload).toEqual({
    by: "Sato",
    amount: 12,
    urgent: false,
    tags: ["a"],
  });
  // The engine says that a text is no number.
  expect(payloadOf(FIELDS, { by: "12", amount: "many", urgent: " " }).payload).toEqual({ by: "12", amount: "many" });
  const { payload, faults } = payloadOf(FIELDS, { tags: "[" });
  expect([payload, [...faults.keys()]]).toEqual([{}, ["tags"]]);
});

test("a number is what JSON takes for one and keeps as it is; the engine says why of anything else", () => {
  const fields = [field("amount", "number")];
  const sent = (text: string) => payloadOf(fields, { amount: text }).payload["amount"];
  const kept = {
    "12": 12,
    " -3 ": -3,
    "12.50": 12.5,
    "0.1": 0.1,
    "1e3": 1000,
    "2.5E-7": 2.5e-7,
    "0.00": 0,
    "1e21": 1e21,
  };
  for (const [text, value] of Object.entries(kept)) expect([text, sent(text)]).toEqual([text, value]);
  const others = ["0x1F", "0b11", "+5", "012", ".5", "5.", "1_000", "1,000", "Infinity", "NaN", "12円", "１２"];
  // Another number would be sent in place of these.
  const rounded = ["9007199254740993", "12345678901234567890", "0.12345678901234567890", "1e400", "1e-400"];
  for (const text of [...others, ...rounded]) expect(sent(text)).toBe(text);
  expect(writtenOf(fields, { amount: 1e-7 })).toEqual({ amount: "1e-7" });
  expect(writtenOf(fields, { amount: "12" })).toBeUndefined();
});

test("what was written goes over into JSON, with the names that are missing, and back again", () => {
  const written = { by: "Sato", urgent: "true" };
  const json: unknown = JSON.parse(jsonOfWritten(FIELDS, written));
  expect(json).toEqual({ by: "Sato", amount: null, urgent: true });
  expect(writtenOf(FIELDS, json)).toEqual(written);
});

test("fields do not take over what they cannot say", () => {
  for (const payload of [null, [], "by", { other: 1 }, { by: 1 }, { by: "" }, { urgent: "yes" }]) {
    expect(writtenOf(FIELDS, payload)).toBeUndefined();
  }
});
