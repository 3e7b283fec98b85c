import { expect, test } from "bun:test";
import * as v from "valibot";

import { Comparison, Simulation } from "../../engine/api/draft-schema.ts";
import { ProblemDetails } from "../../engine/api/problem-schema.ts";
import { createApi } from "../../engine/api/server.ts";
import type { Sql } from "../../engine/timeline/database.ts";
import { keptLog, readingEngine } from "./reading-engine.ts";

const SOURCE = `saga: loan
version: 1
steps:
  - step: apply
    command: application.register
    compensate: application.cancel
  - step: review
    wait: reviewed
  - step: contract
    command: contract.conclude
`;
const app = createApi({ engine: readingEngine(), sql: {} as Sql, log: keptLog() });

function post(path: string, body: unknown): Promise<Response> {
  const init = { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  return Promise.resolve(app.request(path, init));
}

async function simulated(wish: object) {
  const response = await post("/v1/definitions/simulate", { source: SOURCE, ...wish });
  expect(response.status).toBe(200);
  return v.parse(Simulation, await response.json());
}

async function refused(path: string, body: object) {
  const response = await post(path, body);
  const { status, code, errors } = v.parse(ProblemDetails, await response.json());
  return { status, code, errors };
}

test("a saga that nothing happens to waits for its signal, and its steps stand beside the picture", async () => {
  const { status, waitingFor, steps, graph, states } = await simulated({});
  expect([status, waitingFor]).toEqual(["running", ["reviewed"]]);
  expect(steps).toEqual([
    { step: "apply", path: "apply", kind: "command", undone: true, signal: null },
    { step: "review", path: "review", kind: "wait", undone: false, signal: "reviewed" },
    { step: "contract", path: "contract", kind: "command", undone: false, signal: null },
  ]);
  expect(graph.boxes.map(({ path }) => path)).toContain("review");
  expect(states).toEqual([
    { step: "apply", status: "succeeded" },
    { step: "review", status: "waiting" },
  ]);
});

test("a rejected step is followed by the compensations, as chosen", async () => {
  const { status, entered, error, uncompensated, states, unused } = await simulated({
    outcomes: { contract: ["rejected:limit"], "undo apply": ["failed*2"] },
    signals: [{ signal: "reviewed" }],
  });
  expect({ status, entered, error: error?.code, uncompensated, unused }).toEqual({
    status: "failed",
    entered: ["apply", "review", "contract", "undo apply"],
    error: "limit",
    uncompensated: [],
    unused: [],
  });
  expect(states).toEqual([
    { step: "apply", status: "compensated" },
    { step: "review", status: "succeeded" },
    { step: "contract", status: "rejected" },
  ]);
});

test("what cannot be simulated is refused with its place", async () => {
  const path = "/v1/definitions/simulate";
  const places = await Promise.all([
    refused(path, { source: SOURCE.replace("version: 1", "version: one") }),
    refused(path, { source: SOURCE, outcomes: { contrct: ["rejected"] } }),
    refused(path, { source: SOURCE, outcomes: { contract: ["explodes"] } }),
    refused(path, { source: SOURCE, signals: [{ signal: "review" }] }),
    refused(path, { source: SOURCE, until: "soon" }),
    refused(path, { source: SOURCE, input: [] }),
    refused(path, {}),
  ]);
  expect(places.map(({ status, code }) => [status, code])).toEqual(places.map(() => [422, "request.body-invalid"]));
  expect(places.map(({ errors }) => errors?.[0]?.pointer)).toEqual([
    "/source",
    "/outcomes/contrct",
    "/outcomes/contract",
    "/signals/0",
    "/until",
    "/input",
    "/source",
  ]);
  expect(places[0]?.errors?.[0]?.detail).toStartWith("2:");
});

test("a simulation without end is cut short, and its answer is bounded", async () => {
  const source = `saga: long
version: 1
steps:
  - step: all
    each:
      in: input.items
      as: item
      max: 1000
      steps:
        - step: one
          command: application.register
          with: { text: "\${ input.text }" }
        - step: two
          command: application.register
          with: { text: "\${ input.text }" }
        - step: three
          command: application.register
          with: { text: "\${ input.text }" }
input:
  items: list<integer>
  text: string
`;
  const input = { items: Array.from({ length: 900 }, (_, index) => index), text: "x".repeat(5_000) };
  const { entries, entryCount, ended } = await simulated({ source, input });
  expect(ended).toBe("too-long");
  expect(entries.length).toBe(Math.min(1_000, entryCount));
  expect(entries.some(({ kind, data }) => kind === "sent" && data !== undefined)).toBeFalse();
});

test("two texts are compared by what they mean", async () => {
  const after = SOURCE.replace("wait: reviewed", "wait: reviewed\n    deadline: 3d");
  const response = await post("/v1/definitions/compare", { before: `# before\n${SOURCE}`, after });
  expect(v.parse(Comparison, await response.json())).toEqual({
    changes: [
      {
        change: "changed",
        subject: "step",
        name: "review",
        what: "wait reviewed",
        details: [{ name: "deadline", before: null, after: "3d" }],
      },
    ],
  });
  const { errors } = await refused("/v1/definitions/compare", { before: SOURCE, after: "saga: x\nsteps: none\n" });
  expect(errors?.[0]?.pointer).toBe("/after");
});
