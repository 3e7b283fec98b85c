import type { SagaState } from "../../../engine/core/state.ts";
import { isUndoing, listed, undoneBySteps } from "./invariants.ts";
import { compensationVerdict, stepVerdict } from "./participant.ts";
import { KID, type Model, type World } from "./world.ts";

/** Both sagas of a world, each with the beginning of its paths in the tables. */
function sides({ saga, child }: World): readonly { readonly own: SagaState; readonly prefix: string }[] {
  return [{ own: saga, prefix: "" }, ...(child.saga === null ? [] : [{ own: child.saga, prefix: KID }])];
}

function isOf(path: string, prefix: string): boolean {
  return path.startsWith(KID) === (prefix === KID);
}

/** A terminated saga, and a child that takes itself back no more, sends nothing. */
export function sentAfterTheEnd(before: World, after: World): string | undefined {
  for (const { own, prefix } of sides(before)) {
    if (own.status !== "terminated" && own.reversal !== "done") continue;
    const more = Object.keys(after.sent).find(
      (key) => isOf(key.slice(key.indexOf(" ") + 1), prefix) && after.sent[key] !== before.sent[key],
    );
    if (more !== undefined) return `S14: ${more} is sent after the end`;
  }
  return undefined;
}

/** S17: a saga is parked while a row of a step of it says so, and no longer. */
export function parkedRows({ statuses, ...world }: World): string | undefined {
  for (const { own, prefix } of sides({ statuses, ...world })) {
    const row = Object.keys(statuses).find((path) => isOf(path, prefix) && statuses[path] === "parked");
    if (own.parked === undefined && row !== undefined) return `S17: ${row} is parked, and its saga is ${own.status}`;
    if (own.parked !== undefined && row === undefined) return "S17: a saga is parked, and none of its steps";
  }
  return undefined;
}

/** What a person has edited never runs with what was sent before. */
export function sentBeforeTheEdit({ commands, edited }: World): string | undefined {
  const old = commands.find(({ kind, path, edited: own }) => own !== true && edited.includes(`${kind} ${path}`));
  return old === undefined ? undefined : `Edit: ${old.kind} ${old.path} #${old.attempt} carries what was replaced`;
}

/** What a person has given up runs never more, and what a terminated saga has done is on its stack or listed. */
export function givenUp(model: Model, world: World): string | undefined {
  for (const { path, kind } of world.commands) {
    if (!isOver(world, path)) continue;
    const verdict = kind === "step" ? stepVerdict(world.guards[path]) : compensationVerdict(world.guards[path]);
    if (verdict === "run") return `S18: the ${kind} of ${path} may run although it was given up`;
  }
  for (const { own, prefix } of sides(world)) {
    if (own.status !== "terminated" || own.winding || own.pivotPassed) continue;
    const lost = world.did.find(
      (path) => isOf(path, prefix) && !isKept(model, world, own, path.slice(prefix.length), path),
    );
    if (lost !== undefined) return `S14: terminated, and ${lost} is neither undone nor on the stack nor listed`;
  }
  return undefined;
}

function isOver(world: World, path: string): boolean {
  if (world.statuses[path] === "skipped") return true;
  const side = sides(world).find(({ prefix }) => isOf(path, prefix));
  return side?.own.status === "terminated" && !side.own.winding;
}

function isKept(model: Model, world: World, own: SagaState, step: string, path: string): boolean {
  if (isUndoing(path) || world.undone.includes(path) || listed(world, path)) return true;
  return own.stack.some((entry) => entry.path === step) || undoneBySteps(model, world, path);
}
