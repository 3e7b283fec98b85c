import { createHash } from "node:crypto";

/** A workload of the benchmark's own domains: which saga is started with what, and how it has to end. */
export interface Workload {
  readonly title: string;
  readonly definition: string;
  /** Whether the definition's name is followed by a number, of so many as the program is told. */
  readonly numbered?: true;
  readonly input: (number: number) => Readonly<Record<string, unknown>>;
  readonly status: (number: number) => "completed" | "failed";
  /** Counts the sagas whose effects are all there, as `sagas`: the domains' rows, not what the engine says of itself. */
  readonly ended: string;
}

/** One row of the last step for each saga. */
export const CONCLUDED = "select count(*)::int as sagas from contract.contract";

/** The business rule of the last step refuses more than this. */
const AMOUNT_MAX = 1_000_000;

const completed = () => "completed" as const;
const order = (number: number) => ({ applicant: "Taro Yamada", amount: 1_000 + (number % 100_000) });
/** Letters without a pattern: PostgreSQL would compress a pattern to nothing. */
const LETTERS = Array.from({ length: 2_048 }, (_none, at) =>
  createHash("sha256").update(`${at}`).digest("base64"),
).join("");
const withDocument = (bytes: number) => (number: number) => {
  const from = (number * 44) % (LETTERS.length - bytes);
  return { ...order(number), document: LETTERS.slice(from, from + bytes) };
};

/** By the name that a program is given. */
export const WORKLOADS = {
  three: {
    title: "three steps, one insert each",
    definition: "three",
    input: order,
    status: completed,
    ended: CONCLUDED,
  },
  rejected: {
    title: "one saga in ten refused at step 3, two compensations",
    definition: "three",
    input: (number) => (number % 10 === 9 ? { ...order(number), amount: AMOUNT_MAX + 1 } : order(number)),
    status: (number) => (number % 10 === 9 ? "failed" : "completed"),
    ended: `
      select (
        (select count(*) from contract.contract)
        + (select count(*) from application.application join screening.examination using (saga_id)
           where application.status = 'cancelled' and examination.status = 'cancelled')
      )::int as sagas
    `,
  },
  nine: {
    title: "nine steps, one insert each",
    definition: "nine",
    input: order,
    status: completed,
    ended: `
      select ((select count(*) from application.entry) + (select count(*) from screening.entry)
        + (select count(*) from contract.entry))::int / 9 as sagas
    `,
  },
  parallel: {
    title: "three steps at the same time",
    definition: "parallel",
    input: order,
    status: completed,
    ended: CONCLUDED,
  },
  "body-1k": {
    title: "three steps, bodies of 1 KB",
    definition: "document",
    input: withDocument(1_024),
    status: completed,
    ended: CONCLUDED,
  },
  "body-64k": {
    title: "three steps, bodies of 64 KB",
    definition: "document",
    input: withDocument(65_536),
    status: completed,
    ended: CONCLUDED,
  },
  many: {
    title: "three steps, spread over many definitions",
    definition: "many_",
    numbered: true,
    input: order,
    status: completed,
    ended: CONCLUDED,
  },
} as const satisfies Readonly<Record<string, Workload>>;

/** Those that `bun run bench variants` compares. */
export const VARIANTS = ["three", "rejected", "nine", "parallel", "body-1k", "body-64k"] as const;

/** The name of a workload. */
export type WorkloadName = keyof typeof WORKLOADS;
