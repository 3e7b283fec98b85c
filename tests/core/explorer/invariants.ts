import type { CommandStep, Definition, Step } from "../../../engine/core/definition.ts";
import { allSteps, compensationSteps, lanesAt, stepAt } from "../../../engine/core/path.ts";
import { type BlockState, isFinal, type SagaState } from "../../../engine/core/state.ts";
import { givenUp, parkedRows, sentAfterTheEnd, sentBeforeTheEdit } from "./operator-invariants.ts";
import { KID, type Model, type World } from "./world.ts";

/** What a world breaks of reliability §2; undefined when it keeps everything. */
export function broken(model: Model, world: World): string | undefined {
  return (
    atMostOnce(model, world) ??
    pivot(model, world) ??
    ending(model, world) ??
    attempts(model, world) ??
    stillReadable(model, world) ??
    childEnding(model, world) ??
    failedBranch(model, world) ??
    givenUp(model, world) ??
    parkedRows(world) ??
    sentBeforeTheEdit(world)
  );
}

/** S10: once its block is over, nothing of a step that was undone is there for later expressions. */
function stillReadable({ definition }: Model, { saga, undone }: World): string | undefined {
  if (isOpen(saga.root) || saga.failure !== undefined || saga.closing !== undefined) return undefined;
  const left = undone.find((path) => {
    const around = Object.entries(saga.items ?? {}).filter(([item]) => path.startsWith(`${item}/`));
    const name = stepAt(definition, path)?.name ?? "";
    return [saga.outputs, ...around.map(([, item]) => item.outputs)].some((outputs) => Object.hasOwn(outputs, name));
  });
  return left === undefined ? undefined : `S10: ${left} was undone, and its output can still be read`;
}

/** Whether branches are in progress or being undone, however deep. */
function isOpen({ current }: BlockState): boolean {
  if (current?.kind === "block") return isOpen(current.block);
  return current?.kind === "branches" || current?.kind === "undoing";
}

/** What a move breaks that neither world shows alone. */
export function brokenMove(model: Model, before: World, after: World): string | undefined {
  if (isFinal(before.saga.status) && before.saga.status !== after.saga.status) return "I1: a final status is left";
  const status = before.child.saga?.status;
  if (status !== undefined && isFinal(status) && status !== after.child.saga?.status) {
    return "I1: the child's final status is left";
  }
  return (
    pivot(model, after, before) ??
    sentTooLate(model, before, after) ??
    sentAfterTheEnd(before, after) ??
    tooEarly(model, before, after) ??
    signalLost(before, after)
  );
}

/** I4: what has failed, was cancelled or lost the race begins nothing new; only compensations are sent. */
function sentTooLate(model: Model, before: World, after: World): string | undefined {
  const more = Object.keys(after.sent).filter(
    (key) => key.startsWith("step ") && !isUndoing(key) && after.sent[key] !== before.sent[key],
  );
  if (more.length === 0) return undefined;
  const own = closedScopes(model.definition.steps, before.saga);
  const childs = before.child.saga === null ? [] : closedScopes((model.child as Definition).steps, before.child.saga);
  const scopes = [...own, ...childs.map((scope) => (scope === "" ? KID : KID + scope))];
  for (const key of more) {
    const path = key.slice("step ".length);
    const hit = scopes.find((scope) => (scope === "" ? !path.startsWith(KID) : path.startsWith(scope)));
    if (hit !== undefined) return `I4: ${key} is sent after the failure or the cancel`;
  }
  return undefined;
}

/** The beginnings of the paths where nothing new may begin. Read from the state itself, not by the code that is explored. */
function closedScopes(steps: readonly Step[], saga: SagaState): string[] {
  if (saga.failure !== undefined || saga.closing !== undefined) return [""];
  return closedIn(steps, saga.root, "");
}

function closedIn(steps: readonly Step[], block: BlockState, prefix: string): string[] {
  const step = steps[block.at];
  const { current } = block;
  if (step === undefined || current === undefined) return [];
  const path = prefix + step.id;
  if (current.kind === "undoing") return lanesOf(step, path);
  if (current.kind === "block") {
    const inner =
      "catch" in step ? step.catch.find(({ code }) => current.branch === `catch/${code}`)?.steps : undefined;
    return inner === undefined ? [] : closedIn(inner, current.block, `${path}/${current.branch}/`);
  }
  if (current.kind !== "branches") return [];
  if (current.failure !== undefined) return lanesOf(step, path);
  return Object.entries(current.branches).flatMap(([id, branch]) => {
    const below = id.startsWith("[") ? `${path}${id}/` : `${path}/${id}/`;
    if (current.winner !== undefined || "undoing" in branch) return [below];
    const inner =
      step.kind === "each"
        ? step.steps
        : step.kind === "parallel"
          ? step.branches.find((one) => one.id === id)?.steps
          : undefined;
    return closedIn(inner ?? [], branch.root, below);
  });
}

function lanesOf(step: Step, path: string): string[] {
  return step.kind === "parallel" ? step.branches.map(({ id }) => `${path}/${id}/`) : [`${path}[`];
}

/** I4 and I5: when a step is undone, everything after it that can be undone is undone already, or listed. */
function tooEarly(model: Model, before: World, after: World): string | undefined {
  const undone = after.undone.slice(before.undone.length);
  // A list begins to undo its step with its first effect.
  const lists = after.did.slice(before.did.length).filter(isUndoing);
  const steps = lists.map((path) => path.slice(0, path.indexOf("/compensate/")));
  for (const path of [...undone, ...steps]) {
    const missed = overtaken(model, before, path);
    if (missed !== undefined) return `I4: ${path} was compensated before ${missed}`;
  }
  return undefined;
}

function overtaken(model: Model, world: World, path: string): string | undefined {
  const { did, undone } = world;
  const at = did.indexOf(path);
  const later = at === -1 ? [] : did.slice(at + 1);
  // What was given up while nobody knew its end may take effect at any time: its place is where it was sent.
  const mayBeLate = (one: string) => model.external.has(one) && world.guards[one]?.state === "unknown";
  return later.find(
    (one) =>
      !isUndoing(one) &&
      !mayBeLate(one) &&
      commandAt(model, one).compensate !== undefined &&
      !isBeside(model, parentPath(world, path), parentPath(world, one)) &&
      !undone.includes(one) &&
      !undoneBySteps(model, world, one) &&
      !listed(world, one),
  );
}

function signalLost(before: World, after: World): string | undefined {
  const inBox = (world: World) => world.saga.mailbox.length;
  const taken = Object.keys(after.statuses).filter(
    (path) => after.statuses[path] === "succeeded" && before.statuses[path] !== "succeeded",
  );
  const heard = before.left.signals - after.left.signals;
  const gone = inBox(before) + heard - inBox(after);
  return gone > 0 && taken.length === 0 ? "I7: a signal is gone and no wait has taken it" : undefined;
}

/** The step of a command, or of a child that the simulator's sagas have as one more step. */
function commandAt(model: Model, path: string): CommandStep {
  const step = path.startsWith(KID)
    ? stepAt(model.child as Definition, path.slice(KID.length))
    : stepAt(model.definition, path);
  return step as CommandStep;
}

/** A step of a list that compensates: it is not compensated itself. */
export function isUndoing(path: string): boolean {
  return path.includes("/compensate/");
}

function atMostOnce(model: Model, { did, undone, child }: World): string | undefined {
  const twice = did.find((path, index) => did.indexOf(path) !== index);
  if (twice !== undefined) return `I2: ${twice} took effect twice`;
  const again = undone.find((path, index) => undone.indexOf(path) !== index);
  if (again !== undefined) return `I2: ${again} was compensated twice`;
  const nothing = undone.find((path) => !did.includes(path) && !model.external.has(path));
  if (nothing !== undefined) return `I2: ${nothing} was compensated without an effect`;
  const ran = (step: string) =>
    did.includes(step) || model.external.has(step) || (step === child.path && did.some((path) => path.startsWith(KID)));
  const list = did.find((path) => isUndoing(path) && !ran(path.slice(0, path.indexOf("/compensate/"))));
  return list === undefined ? undefined : `I2: ${list} ran although its step had no effect`;
}

/** What a child does, it does at its parent's step. */
function parentPath({ child }: World, path: string): string {
  return path.startsWith(KID) ? child.path : path;
}

/** Two branches of one block: neither comes after the other. */
function isBeside(model: Model, one: string, other: string): boolean {
  const lanes = lanesAt(model.definition, other);
  return lanesAt(model.definition, one).some(({ block, branch }) =>
    lanes.some((lane) => lane.block === block && lane.branch !== branch),
  );
}

export function undoneBySteps(model: Model, { did, statuses, child }: World, path: string): boolean {
  // A child past its pivot is undone by the step's compensate alone.
  if (path.startsWith(KID)) return did.includes(`${child.path}/compensate/undo`);
  const step = commandAt(model, path);
  const { compensate } = step;
  if (compensate === undefined || (step.kind === "command" && compensate.kind === "command")) return false;
  return compensationSteps(step, compensate).every(({ kind, id }) => {
    const own = `${path}/compensate/${id}`;
    return kind === "command" ? did.includes(own) || statuses[own] === "skipped" : statuses[own] !== undefined;
  });
}

export function listed({ saga, child }: World, path: string): boolean {
  const own = path.startsWith(KID) ? (child.saga?.uncompensated ?? []).map(({ step }) => KID + step) : [];
  return (
    own.includes(path) ||
    saga.uncompensated.some(({ step }) => step === path || (path.startsWith(KID) && step === child.path))
  );
}

/** What took effect and still stands. */
function standing(model: Model, world: World): readonly string[] {
  return world.did.filter(
    (path) =>
      !isUndoing(path) && !world.undone.includes(path) && !undoneBySteps(model, world, path) && !listed(world, path),
  );
}

/** What stands although it could be undone: behind the pivot nothing is taken back, also when a block there fails and is caught. */
function standingBeforePivot(model: Model, world: World): readonly string[] {
  const pivot = world.did.findIndex((path) => commandAt(model, path).pivot);
  const stand = standing(model, world);
  return pivot === -1 ? stand : stand.filter((path) => world.did.indexOf(path) < pivot);
}

/** I4: a saga whose pivot was taken undoes nothing from then on; parent and child each have their own. */
function pivot(model: Model, { did, undone, saga, child }: World, before?: World): string | undefined {
  const sides = [
    { saga, own: (path: string) => !path.startsWith(KID) },
    ...(child.saga === null ? [] : [{ saga: child.saga, own: (path: string) => path.startsWith(KID) }]),
  ];
  for (const side of sides) {
    const passed = side.saga.pivotPassed || did.some((path) => side.own(path) && commandAt(model, path).pivot);
    const wrong = undone.slice(before?.undone.length ?? undone.length).find(side.own);
    if (passed && wrong !== undefined) return `I4: ${wrong} was compensated although the pivot was taken`;
    if (passed && side.saga.failure !== undefined && side.saga.status !== "terminated")
      return "I4: a saga goes backward although its pivot was taken";
  }
  return undefined;
}

function ending(model: Model, world: World): string | undefined {
  const { saga, undone } = world;
  if (saga.status === "completed") return completed(model, world);
  if (saga.status !== "failed" && saga.status !== "cancelled") return undefined;
  const [left] = standing(model, world);
  if (left !== undefined) return `I3: ${saga.status}, and ${left} is neither undone nor listed`;
  // Of a call to the outside nobody may have seen that it undid the step: then it is listed all the same.
  const both = undone.find((path) => !model.external.has(path) && saga.uncompensated.some(({ step }) => step === path));
  return both === undefined ? undefined : `I3: ${both} is listed as uncompensated and was compensated`;
}

function completed(model: Model, world: World): string | undefined {
  const { did, undone, statuses, guards } = world;
  const wrong = undone.find((path) => !mayBeUndone(model, world, path));
  if (wrong !== undefined) return `I3: completed, and ${wrong} was compensated`;
  const twoWinners = twoStand(model, world);
  if (twoWinners !== undefined) return twoWinners;
  for (const [path, status] of Object.entries(statuses)) {
    if (path.startsWith(KID) || commandAt(model, path).kind !== "command" || isUndoing(path)) continue;
    if (status === "succeeded" && !did.includes(path)) return `I3: completed without the effect of ${path}`;
    const stands = did.includes(path) && guards[path]?.state !== "unknown" && !undone.includes(path);
    if (status !== "succeeded" && stands && !listed(world, path) && !undoneBySteps(model, world, path)) {
      return `I3: completed, and ${path} took effect although it ${status}`;
    }
  }
  return undefined;
}

/** A completed saga has undone only what lost a race, stood in a block whose failure was caught, or in a child that failed. */
function mayBeUndone(model: Model, { statuses, child }: World, path: string): boolean {
  if (path.startsWith(KID)) return statuses[child.path] !== "succeeded" || child.saga?.status === "terminated";
  return lanesAt(model.definition, path).some(({ block, step }) => isRace(step) || statuses[block] === "failed");
}

/** Of a race one branch stands, of a block that failed none. */
function twoStand(model: Model, world: World): string | undefined {
  const races = [...allSteps(model.definition)].filter(([, step]) => step.kind === "parallel" || step.kind === "each");
  for (const [block, step] of races) {
    const stand = standingBeforePivot(model, world).flatMap((path) =>
      lanesAt(model.definition, path).flatMap((lane) => (lane.block === block ? [lane.branch] : [])),
    );
    const branches = new Set(stand);
    if (isRace(step) && branches.size > 1) return `I3: ${[...branches].join(" and ")} both stand`;
    if (world.statuses[block] === "failed" && branches.size > 0) return `I3: ${block} failed, and ${stand[0]} stands`;
  }
  return undefined;
}

/** I12: no more attempts are sent than the policy allows; a retry by an operator, or an edit, begins a new count. */
function attempts(model: Model, { sent, left }: World): string | undefined {
  const counts = 1 + model.budget.retries - left.retries + model.budget.edits - left.edits;
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

/** S15: a child keeps its stack exactly as long as somebody may ask for it. */
function childEnding(model: Model, { saga, child, events, left }: World): string | undefined {
  if (child.saga === null || !isFinal(saga.status) || child.events.length > 0 || events.length > 0) return undefined;
  if (!isFinal(child.saga.status)) return `S15: ${saga.status}, and the child is ${child.saga.status}`;
  // What an operator has stopped keeps it as a record.
  const stopped = child.saga.reversal === "done" && left.verbs < model.budget.verbs;
  if (child.saga.status === "terminated" || stopped) return undefined;
  return child.saga.stack.length === 0 ? undefined : `S15: ${saga.status}, and the child still keeps its stack`;
}

/** S10: a block whose branch has failed does not end well, unless something inside the branch catches the failure. */
function failedBranch(model: Model, { statuses }: World): string | undefined {
  for (const [path, status] of Object.entries(statuses)) {
    if (path.startsWith(KID) || (status !== "rejected" && status !== "failed")) continue;
    const lane = lanesAt(model.definition, path).at(-1);
    if (lane === undefined || statuses[lane.block] !== "succeeded" || isRace(lane.step)) continue;
    const step = commandAt(model, path);
    const stands = path.lastIndexOf("/") === lane.branch.length && step.catch.length === 0;
    if (stands) return `S10: ${lane.block} ended well although ${path} ${status}`;
  }
  return undefined;
}

function isRace(step: Step): boolean {
  return step.kind === "parallel" && step.join === "any";
}
