/** A workload of the benchmark's own domains: which saga is started with what, and how it has to end. */
export interface Workload {
  readonly title: string;
  readonly definition: string;
  readonly input: (number: number) => Readonly<Record<string, unknown>>;
  readonly status: (number: number) => "completed" | "failed";
}

/** The business rule of the last step refuses more than this. */
const AMOUNT_MAX = 1_000_000;

const completed = () => "completed" as const;
const order = (number: number) => ({ applicant: "Taro Yamada", amount: 1_000 + (number % 100_000) });
const withDocument = (bytes: number) => (number: number) => ({ ...order(number), document: "x".repeat(bytes) });

/** By the name that a program is given. */
export const WORKLOADS = {
  three: { title: "three steps, one insert each", definition: "three", input: order, status: completed },
  rejected: {
    title: "one saga in ten refused at step 3, two compensations",
    definition: "three",
    input: (number) => (number % 10 === 9 ? { ...order(number), amount: AMOUNT_MAX + 1 } : order(number)),
    status: (number) => (number % 10 === 9 ? "failed" : "completed"),
  },
  nine: { title: "nine steps, one insert each", definition: "nine", input: order, status: completed },
  parallel: { title: "three steps at the same time", definition: "parallel", input: order, status: completed },
  "body-1k": {
    title: "three steps, bodies of 1 KB",
    definition: "document",
    input: withDocument(1_024),
    status: completed,
  },
  "body-64k": {
    title: "three steps, bodies of 64 KB",
    definition: "document",
    input: withDocument(65_536),
    status: completed,
  },
} as const satisfies Readonly<Record<string, Workload>>;

/** The name of a workload. */
export type WorkloadName = keyof typeof WORKLOADS;
