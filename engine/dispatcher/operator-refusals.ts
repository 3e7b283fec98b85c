import type { Definition } from "../core/definition.ts";
import type { SagaEvent } from "../core/event.ts";
import { stepAt } from "../core/path.ts";
import { Refusal, type RefusalCode } from "../core/refusal.ts";
import type { Tx } from "../timeline/database.ts";
import type { SagaRow } from "../timeline/saga-row.ts";
import type { Applied } from "./transitions.ts";

/** As many places as a hint names. */
const NAMED_MAX = 10;

/** @throws Refusal `saga.unknown-step` when the definition has nothing at a path. */
export function mustExist(definition: Definition, saga: SagaRow, path: string): void {
  if (path === "output" || stepAt(definition, path) !== undefined) return;
  throw new Refusal(
    "saga.unknown-step",
    `${saga.definition} has no step "${path}"`,
    "It is a path as GET /v1/sagas/{id} shows it, with the number of an item: ship[3]/pack.",
  );
}

/** @throws Refusal when a verb was applied and moved nothing. Thrown in its transaction, which is taken back. */
export async function mustHaveEffect(
  tx: Tx,
  saga: SagaRow,
  step: string | undefined,
  effect: Applied["effect"] | null,
): Promise<void> {
  const what = `${step} of saga ${saga.id}`;
  switch (effect) {
    case "not-parked": {
      const where = step === undefined ? "" : ` at ${step}`;
      throw new Refusal("saga.not-parked", `saga ${saga.id} is not parked${where}`, await parkedHint(tx, saga.id));
    }
    case "running":
      throw new Refusal(
        "saga.step-running",
        `${what} runs at this moment`,
        "Its answer may help; else try again then.",
      );
    case "pivot":
      throw new Refusal(
        "saga.pivot-skipped",
        `${what} is the pivot`,
        "What follows it relies on it: retry it, resolve it with its result, or terminate the saga.",
      );
    case "no-result":
      throw new Refusal(
        "saga.step-without-result",
        `${what} gives no result`,
        "Only a command, a child saga, a wait and the output can be resolved: retry it or skip it.",
      );
    default:
  }
}

const REFUSED: Partial<Record<Applied["effect"], RefusalCode>> = {
  "not-parked": "saga.not-parked",
  running: "saga.step-running",
  pivot: "saga.pivot-skipped",
  "no-result": "saga.step-without-result",
  "past-pivot": "saga.past-pivot",
  final: "saga.final",
};

const ASKED: readonly SagaEvent["type"][] = [
  "cancel.requested",
  "retry.requested",
  "skip.requested",
  "resolve.requested",
  "terminate.requested",
];

/** The refusal's code for a request by a person that moved nothing when its delivery came. */
export function refusalOf(effect: Applied["effect"], type: SagaEvent["type"]): RefusalCode | undefined {
  return ASKED.includes(type) ? REFUSED[effect] : undefined;
}

async function parkedHint(tx: Tx, sagaId: string): Promise<string> {
  const rows = await tx<{ path: string }[]>`
    select path from timeline.saga_step where saga_id = ${sagaId} and status = 'parked' order by path limit ${NAMED_MAX}
  `;
  const paths = rows.map(({ path }) => path).join(", ");
  return `${paths === "" ? "Nothing of it is parked" : `Parked: ${paths}`}. GET /v1/sagas/{id} shows where it stands.`;
}
