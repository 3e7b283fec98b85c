import { expect, test } from "bun:test";
import {
  catalogOfPublished,
  elsewhereTopics,
  groupTopics,
  programGroup,
  publishedDomain,
} from "../../engine/core/published-domain.ts";

const bank = {
  name: "bank",
  actions: {
    pay: { external: true, handled: true, input: { type: "string" }, output: { type: "number" } },
    note: { external: false, handled: false, input: {} },
  },
  projections: ["standing"],
  projectionEvents: { standing: ["saga.completed"] },
};

test("a domain that was published is the same domain for whoever reads it", () => {
  const catalog = catalogOfPublished([bank, { name: "other", actions: { go: bank.actions.note }, projections: [] }]);

  expect([...catalog.actions.keys()]).toEqual(["bank.pay", "bank.note", "other.go"]);
  expect(publishedDomain("bank", catalog, { standing: ["saga.completed"] })).toEqual(bank);
});

test("the schemas of a published domain parse as far as JSON Schema says it", () => {
  const pay = catalogOfPublished([bank]).actions.get("bank.pay");

  expect(pay?.input.parse("text")).toEqual({ ok: true, value: "text" });
  expect(pay?.input.parse(1)).toEqual({ ok: false, problems: [{ path: "", message: "must be a text" }] });
});

test("a group reads what it handles; of a domain that another program runs it is everything", () => {
  const none = { ...bank, name: "far", actions: { note: bank.actions.note }, projections: [] };

  expect(Object.fromEntries(groupTopics([bank, none]))).toEqual({
    dispatcher: ["timeline"],
    bank: ["bank.pay"],
    "bank.standing": ["timeline"],
    far: ["far.note"],
  });
});

test("only what another program handles beside handlers of ours is read elsewhere", () => {
  const none = { ...bank, name: "far", actions: { note: bank.actions.note } };
  const all = { ...bank, name: "near", actions: { pay: bank.actions.pay } };

  expect(Object.fromEntries(elsewhereTopics([bank, none, all]))).toEqual({ bank: ["bank.note"] });
  expect(programGroup("bank.note")).toBe("bank.note.program");
});
