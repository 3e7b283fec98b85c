/** Small domains for the definition tests: contracts only, no handler is called here. */
import * as v from "valibot";
import { defineDomain, type Domain, succeeded } from "../../engine/sdk.ts";

const Applicant = v.strictObject({
  name: v.string(),
  email: v.string(),
  age: v.pipe(v.number(), v.integer(), v.minValue(18)),
  housing: v.picklist(["own", "rent", "free"]),
  job: v.string(),
  checking: v.string(),
  savings: v.string(),
});

const Credit = v.strictObject({
  amount: v.pipe(v.number(), v.minValue(1)),
  months: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(120)),
  purpose: v.picklist(["car", "furniture", "education"]),
});

const Register = v.strictObject({ applicationNo: v.string(), applicant: Applicant, credit: Credit });
const Examine = v.strictObject({ applicationId: v.string(), applicant: Applicant, credit: Credit });
const Examined = v.strictObject({
  screeningId: v.string(),
  result: v.picklist(["approved", "manual_review", "rejected"]),
  score: v.pipe(v.number(), v.integer()),
});
const Contracted = v.strictObject({ contractId: v.string() });

export const relayDomains: readonly Domain[] = [
  defineDomain({
    name: "application",
    steps: {
      register: { input: Register, output: v.strictObject({ applicationId: v.string() }) },
      cancel: { input: Register },
    },
  }),
  defineDomain({
    name: "screening",
    steps: { examine: { input: Examine, output: Examined }, void: { input: Examine } },
  }),
  defineDomain({
    name: "contract",
    steps: {
      conclude: {
        input: v.strictObject({
          applicationId: v.string(),
          amount: v.number(),
          months: v.pipe(v.number(), v.integer()),
        }),
        output: Contracted,
      },
    },
  }),
  defineDomain({
    name: "payment",
    steps: {
      transfer: {
        input: v.strictObject({ amount: v.number(), note: v.optional(v.nullable(v.string())) }),
        output: v.strictObject({ reference: v.string() }),
        external: true,
        run: async () => succeeded({ reference: "r" }),
      },
      refund: { input: v.strictObject({ amount: v.number() }), external: true, run: async () => succeeded() },
      /** Another program's. */
      reverse: { input: v.strictObject({ amount: v.number() }), external: true },
    },
  }),
  defineDomain({
    name: "notification",
    steps: {
      mail: {
        input: v.strictObject({ to: v.string(), template: v.picklist(["welcome", "sorry"]), contractId: v.string() }),
      },
    },
  }),
  defineDomain({ name: "ledger", steps: { contracted: { input: Contracted } } }),
];
