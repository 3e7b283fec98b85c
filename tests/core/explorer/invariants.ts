import type { CommandStep } from "../../../engine/core/definition.ts";
import { stepAt } from "../../../engine/core/path.ts";
import { isFinal } from "../../../engine/core/state.ts";
import type { Model, World } from "./world.ts";

/** What a world breaks of reliability §2; undefined when it keeps everything. */
export function broken(model: Model, world: World): string | undefined {
  return (
    atMostOnce(model, world) ??
    reverse(model, world) ??
    pivot(model, world) ??
    ending(model, world) ??
    attempts(model, world)
  );
}

/** What a move breaks that neither world shows alone. */
export function brokenMove(before: World, after: World): string | undefined {
  if (isFinal(before.saga.status) && before.saga.status !== after.saga.status) return "I1: a final status is left";
  const turned = before.saga.failure !== undefined || before.saga.closing !== undefined;
  if (!turned) return undefined;
  const more = Object.keys(after.sent).find((key) => key.startsWith("step ") && after.sent[key] !== before.sent[key]);
  return more === undefined ? undefined : `I4: ${more} is sent after the failure or the cancel`;
}

function commandAt(model: Model, path: string): CommandStep {
  return stepAt(model.definition, path) as CommandStep;
}

function atMostOnce(model: Model, { did, undone }: World): string | undefined {
  const twice = did.find((path, index) => did.indexOf(path) !== index);
  if (twice !== undefined) return `I2: ${twice} took effect twice`;
  const again = undone.find((path, index) => undone.indexOf(path) !== index);
  if (again !== undefined) return `I2: ${again} was compensated twice`;
  const nothing = undone.find((path) => !did.includes(path) && !model.external.has(path));
  return nothing === undefined ? undefined : `I2: ${nothing} was compensated without an effect`;
}

/** I4 and I5: when a step is undone, everything after it that can be undone is undone already, or listed. */
function reverse(model: Model, { did, undone, saga }: World): string | undefined {
  for (const [index, path] of undone.entries()) {
    const at = did.indexOf(path);
    const later = at === -1 ? [] : did.slice(at + 1);
    const before = undone.slice(0, index);
    const missed = later.find(
      (one) => commandAt(model, one).compensate !== undefined && !before.includes(one) && !listed(saga, one),
    );
    if (missed !== undefined) return `I4: ${path} was compensated before ${missed}`;
  }
  return undefined;
}

function listed(saga: World["saga"], path: string): boolean {
  return saga.uncompensated.some(({ step }) => step === path);
}

function pivot(model: Model, { did, undone, saga }: World): string | undefined {
  const passed = saga.pivotPassed || did.some((path) => commandAt(model, path).pivot);
  if (!passed) return undefined;
  if (undone.length > 0) return `I4: ${undone[0]} was compensated although the pivot was taken`;
  return saga.failure === undefined ? undefined : "I4: the saga goes backward although the pivot was taken";
}

function ending(model: Model, world: World): string | undefined {
  const { saga, did, undone } = world;
  if (saga.status === "completed") return completed(model, world);
  if (saga.status !== "failed" && saga.status !== "cancelled") return undefined;
  const left = did.find((path) => !undone.includes(path) && !listed(saga, path));
  if (left !== undefined) return `I3: ${saga.status}, and ${left} is neither undone nor listed`;
  const both = undone.find((path) => listed(saga, path));
  return both === undefined ? undefined : `I3: ${both} is listed as uncompensated and was compensated`;
}

function completed(model: Model, { did, undone, statuses, guards }: World): string | undefined {
  if (undone.length > 0) return `I3: completed, and ${undone[0]} was compensated`;
  for (const [path, status] of Object.entries(statuses)) {
    if (commandAt(model, path).kind !== "command") continue;
    if (status === "succeeded" && !did.includes(path)) return `I3: completed without the effect of ${path}`;
    if (status !== "succeeded" && did.includes(path) && guards[path]?.state !== "unknown") {
      return `I3: completed, and ${path} took effect although it ${status}`;
    }
  }
  return undefined;
}

/** I12: no more attempts are sent than the policy allows; a retry by an operator begins a new count. */
function attempts(model: Model, { sent, left }: World): string | undefined {
  const counts = 1 + model.budget.retries - left.retries;
  for (const [key, count] of Object.entries(sent)) {
    const [kind, path] = key.split(" ") as [string, string];
    const step = commandAt(model, path);
    const { compensate } = step;
    const policy = kind === "step" ? step.retry : compensate?.kind === "command" ? compensate.retry : undefined;
    if (typeof policy?.attempts === "number" && count > policy.attempts * counts)
      return `I12: ${count} attempts of ${key}`;
  }
  return undefined;
}
