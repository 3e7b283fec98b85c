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
