import type { InferOutput } from "valibot";

import { type Json, type JsonObject, isJsonObject } from "../core/json.ts";
import { startViolations } from "../definition/start-violations.ts";
import { outcomeFault, type PlanFault, signalFault } from "../simulate/check-plan.ts";
import { OUTCOME_HINT, outcomesOf, succeededWith } from "../simulate/outcome-notation.ts";
import { type Outcome, type Plan, type PlannedSignal, timeMs } from "../simulate/plan.ts";
import { sampleOfShape } from "../simulate/sample.ts";
import { StepWords } from "../simulate/step-words.ts";
import type { SimulationRequest } from "./draft-schema.ts";
import { invalidBody } from "./json-body.ts";
import { pointer } from "../core/json-scan.ts";
import type { LoadedSource } from "./port.ts";

type Wish = InferOutput<typeof SimulationRequest>;
type Sound = LoadedSource & { readonly definition: NonNullable<LoadedSource["definition"]> };

/** What is to happen to the saga. @throws RequestError `request.body-invalid` */
export function planOf(sound: Sound, wish: Wish): Plan {
  const words = new StepWords(sound.definition);
  return {
    input: inputOf(sound, wish.input),
    outcomes: outcomesIn(sound, words, wish.outcomes ?? {}),
    signals: (wish.signals ?? []).map((each, index) => signalIn(words, each, index)),
    ...(wish.cancelAt === undefined ? {} : { cancelAtMs: timeOf("/cancelAt", wish.cancelAt) }),
    ...(wish.until === undefined ? {} : { untilMs: timeOf("/until", wish.until) }),
  };
}

function inputOf({ definition, catalog }: Sound, given: unknown): JsonObject {
  const input = given === undefined ? sampleOfShape(definition.input) : given;
  const problems = startViolations(definition, input, catalog);
  if (problems.length === 0 && isJsonObject(input as Json)) return input as JsonObject;
  throw invalidBody(problems.map(({ path, message }) => ({ pointer: `/input${path}`, detail: message })));
}

function outcomesIn(
  { catalog }: Sound,
  words: StepWords,
  given: NonNullable<Wish["outcomes"]>,
): Readonly<Record<string, readonly Outcome[]>> {
  const outcomes = Object.entries(given).map(([word, each]) => {
    const place = pointer(["outcomes", word]);
    const read = each.flatMap((one) => outcomeIn(place, one));
    const fault = outcomeFault(words, catalog, word, read);
    if (fault !== undefined) throw wrong(place, fault);
    return [word, read] as const;
  });
  return Object.fromEntries(outcomes);
}

function outcomeIn(place: string, given: string | { readonly output?: unknown }): readonly Outcome[] {
  if (typeof given !== "string") return [succeededWith(given.output as Json)];
  const read = outcomesOf(given);
  if (read === undefined) throw wrong(place, { message: `\`${given}\` is no outcome`, hint: OUTCOME_HINT });
  return read;
}

function signalIn(
  words: StepWords,
  { signal, payload, at }: NonNullable<Wish["signals"]>[number],
  index: number,
): PlannedSignal {
  const fault = signalFault(words, signal, payload as Json | undefined);
  if (fault !== undefined) throw wrong(`/signals/${index}`, fault);
  return {
    signal,
    ...(payload === undefined ? {} : { payload: payload as Json }),
    ...(at === undefined ? {} : { atMs: timeOf(`/signals/${index}/at`, at) }),
  };
}

function timeOf(place: string, text: string): number {
  const ms = timeMs(text);
  if (ms !== undefined) return ms;
  throw wrong(place, { message: `"${text}" is no time after the start`, hint: "Write it like 30s, 2h or 3d." });
}

function wrong(place: string, { message, hint }: PlanFault) {
  return invalidBody([{ pointer: place, detail: `${message}. ${hint}` }]);
}
