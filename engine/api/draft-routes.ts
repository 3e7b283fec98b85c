import type { InferOutput } from "valibot";

import type { Definition } from "../core/definition.ts";
import type { Json } from "../core/json.ts";
import { allSteps } from "../core/path.ts";
import { changesBetween } from "../definition/compare.ts";
import type { Diagnostic } from "../definition/diagnostic.ts";
import { loadDefinition } from "../definition/load.ts";
import type { Plan } from "../simulate/plan.ts";
import { InputFault, simulate } from "../simulate/simulate.ts";
import { StepWords } from "../simulate/step-words.ts";
import type { Run } from "../simulate/story.ts";
import type { Api, ApiParts } from "./api-env.ts";
import { describe } from "./describe.ts";
import { type Comparison, ComparisonRequest, type Simulation, SimulationRequest } from "./draft-schema.ts";
import { pictureOf } from "./graph-routes.ts";
import { invalidBody, readBody } from "./json-body.ts";
import type { LoadedSource } from "./port.ts";
import { planOf } from "./simulation-plan.ts";

/** The process does nothing else meanwhile. */
const SIMULATED_MS = 250;
const LISTED_MAX = 1_000;
const DATA_MAX = 4_096;
const DETAIL_MAX = 500;
const CHANGES_MAX = 500;

/** Definitions that are being written: nothing is stored. */
export function addDraftRoutes(app: Api, { engine }: ApiParts): void {
  app.post("/v1/definitions/simulate", SIMULATE, async (c) => {
    const wish = await readBody(c.req.raw, SimulationRequest);
    const { definition, diagnostics, catalog } = engine.load(wish.source);
    if (definition === null) throw unsound("/source", diagnostics);
    const plan = planOf({ definition, diagnostics, catalog }, wish);
    return c.json(answerOf(definition, plan, run(definition, plan, catalog)));
  });

  app.post("/v1/definitions/compare", COMPARE, async (c) => {
    const { before, after } = await readBody(c.req.raw, ComparisonRequest);
    const changes = changesBetween(readOf("/before", before), readOf("/after", after));
    const told = changes.slice(0, CHANGES_MAX).map(({ details, ...change }) => ({
      ...change,
      details: details.map((detail) => ({ ...detail, before: cut(detail.before), after: cut(detail.after) })),
    }));
    return c.json({ changes: told } satisfies InferOutput<typeof Comparison>);
  });
}

function run(definition: Definition, plan: Plan, catalog: LoadedSource["catalog"]): Run {
  const until = performance.now() + SIMULATED_MS;
  try {
    return simulate(definition, plan, catalog, () => performance.now() > until);
  } catch (error) {
    if (error instanceof InputFault) throw invalidBody([{ pointer: "/input", detail: error.message }]);
    throw error;
  }
}

function answerOf(definition: Definition, plan: Plan, run: Run): InferOutput<typeof Simulation> {
  const { entries, steps, states, error = null, output, status, ended, endedAtMs } = run;
  return {
    input: plan.input,
    steps: stepsOf(definition),
    graph: pictureOf(definition),
    entries: entries
      .slice(0, LISTED_MAX)
      .map(({ step = null, data, ...entry }) => ({ ...entry, step, ...short(data) })),
    entryCount: entries.length,
    entered: steps.slice(0, LISTED_MAX),
    states: states.slice(0, LISTED_MAX),
    status,
    error,
    uncompensated: run.uncompensated.slice(0, LISTED_MAX),
    ...(short(output).data === undefined ? {} : { output }),
    waitingFor: [...run.waitingFor],
    ended,
    endedAtMs,
    unused: [...run.unused],
  };
}

function stepsOf(definition: Definition): InferOutput<typeof Simulation>["steps"] {
  const words = new StepWords(definition);
  return [...allSteps(definition)].map(([path, step]) => ({
    step: words.of(path),
    path,
    kind: step.kind,
    undone: "compensate" in step && step.compensate !== undefined,
    signal: step.kind === "wait" ? step.signal : null,
  }));
}

function short(data: Json | undefined): { readonly data?: Json } {
  return data === undefined || JSON.stringify(data).length > DATA_MAX ? {} : { data };
}

function readOf(place: string, source: string): Definition {
  // A revision of years ago is compared as well, whatever later checks think of it.
  const { definition, diagnostics } = loadDefinition(source, { catalog: null, checks: false });
  if (definition === null) throw unsound(place, diagnostics);
  return definition;
}

function unsound(place: string, diagnostics: readonly Diagnostic[]) {
  const errors = diagnostics.filter(({ severity }) => severity === "error").slice(0, 20);
  return invalidBody(
    errors.map(({ line, column, message, hint }) => ({
      pointer: place,
      detail: `${line}:${column}: ${message}. ${hint}`,
    })),
  );
}

function cut(text: string | null): string | null {
  return text === null || text.length <= DETAIL_MAX ? text : `${text.slice(0, DETAIL_MAX)} …`;
}

const SIMULATE = describe({
  tag: "definitions",
  operationId: "simulateDefinition",
  access: { role: "viewer", over: "anything" },
  summary: "Say what a saga would do",
  description:
    "As `ekiden simulate` does: the engine's own rules with a clock of their own. Nothing is stored and nothing is sent. One that takes longer than a quarter of a second is cut short.",
  body: {
    schema: "SimulationRequest",
    description: "The definition and what is to happen",
    required: true,
    example: { source: "saga: onboarding\nversion: 1\n", outcomes: { contract: ["rejected"] } },
  },
  answers: { 200: { description: "Path, messages and compensations", schema: "Simulation" } },
});

const COMPARE = describe({
  tag: "definitions",
  operationId: "compareDefinitions",
  access: { role: "viewer", over: "anything" },
  summary: "Compare two texts of a definition",
  description: "By what they mean: comments and layout do not count. The first 500 differences.",
  body: {
    schema: "ComparisonRequest",
    description: "The two texts",
    required: true,
    example: { before: "saga: onboarding\nversion: 1\n", after: "saga: onboarding\nversion: 2\n" },
  },
  answers: { 200: { description: "What is different", schema: "Comparison" } },
});
