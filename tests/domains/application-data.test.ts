import { expect, test } from "bun:test";
import * as v from "valibot";
import { Register } from "../../domains/application/messages.ts";
import { isUsable } from "../../domains/notification/decide.ts";
import { applicationsFrom, toNdjson } from "../../scripts/make-applications.ts";
import { applicationsNdjson, committedApplications, germanCreditCsv } from "./data-files.ts";

test("the committed applications are what the script makes of the committed data", async () => {
  expect(toNdjson(applicationsFrom(await germanCreditCsv())) === (await applicationsNdjson())).toBe(true);
});

test("there are 1,000 of them, each an input that application.register takes", async () => {
  const applications = await committedApplications();

  expect(applications).toHaveLength(1000);
  for (const application of applications) v.parse(Register, application);
});

test("no application number, name or address comes twice, and every address can be written to", async () => {
  const applications = await committedApplications();
  const distinct = (values: string[]) => new Set(values).size;

  expect(distinct(applications.map(({ applicationNo }) => applicationNo))).toBe(1000);
  expect(distinct(applications.map(({ applicant }) => applicant.name))).toBe(1000);
  expect(distinct(applications.map(({ applicant }) => applicant.email))).toBe(1000);
  expect(applications.filter(({ applicant }) => !isUsable(applicant.email))).toEqual([]);
});

test("the first row, which holds a quoted comma, becomes the first application", async () => {
  expect(applicationsFrom(await germanCreditCsv())[0]).toEqual({
    applicationNo: "A-0001",
    applicant: {
      name: "Haruto Sato",
      email: "haruto.sato.0001@example.jp",
      age: 67,
      housing: "own",
      job: "skilled employee / official",
      checking: "... < 0 DM",
      savings: "unknown/ no savings account",
    },
    credit: { amount: 1169, months: 6, purpose: "radio/television" },
  });
});

test("housing `for free` becomes `free`; a housing that nobody has named stops the script", async () => {
  const csv = await germanCreditCsv();

  expect(applicationsFrom(csv).filter(({ applicant }) => applicant.housing === "free")).toHaveLength(108);
  expect(() => applicationsFrom(csv.replace(",for free,", ",a boat,"))).toThrow('unknown housing "a boat"');
});
