import { expect, test } from "bun:test";
import { startViolations } from "../../engine/definition/start-violations.ts";
import { catalog, definitionFrom, onboardingSource, saga } from "./definition-source.ts";

const applicant = {
  name: "Ann",
  email: "a@example.org",
  age: 45,
  housing: "own",
  job: "skilled",
  checking: "none",
  savings: "much",
};
const input = { applicationNo: "1", applicant, credit: { amount: 1200, months: 6, purpose: "car" } };
const problems = async (value: unknown) => startViolations(definitionFrom(await onboardingSource()), value, catalog);

test("a good input starts", async () => {
  expect(await problems(input)).toEqual([]);
});

test("the definition's own shape comes first", async () => {
  expect(await problems({ ...input, applicant: { ...applicant, age: 17 }, extra: 1 })).toEqual([
    { path: "/applicant/age", message: "must be at least 18" },
    { path: "/extra", message: "is not a known field" },
  ]);
});

test("what is handed on unchanged must suit the handlers, with the path in the input", async () => {
  const found = await problems({ ...input, credit: { ...input.credit, purpose: "yacht" } });

  const message = "is none of car, furniture, education";
  expect(found).toEqual([
    { path: "/credit/purpose", message: `${message} (application.register)` },
    { path: "/credit/purpose", message: `${message} (screening.examine)` },
  ]);
});

test("branches that all run are looked into, those of a race and what may end before are not", () => {
  const transfer = "{ command: payment.transfer, with: { amount: '${ input.amount }' } }";
  const found = (steps: string) =>
    startViolations(definitionFrom(saga("{ amount: any }", steps)), { amount: "much" }, catalog);
  const expected = [{ path: "/amount", message: "must be a number (payment.transfer)" }];

  expect(found(`  - parallel: { left: [${transfer}], right: [] }`)).toEqual(expected);
  expect(found(`  - parallel: { left: [${transfer}], right: [] }\n    join: any`)).toEqual([]);
  expect(found(`  - if: size(string(input.amount)) > 3\n    end: nothing_to_do\n  - ${transfer}`)).toEqual([]);
});
