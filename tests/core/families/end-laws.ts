import { allSteps, compensationSteps, lanesAt, stepAt } from "../../../engine/core/path.ts";
import { isFinal } from "../../../engine/core/state.ts";
import { compensationVerdict, stepVerdict } from "../explorer/participant.ts";
import { type Family, isListed, isUndoing, type Member } from "./family.ts";
import { isOver } from "./laws.ts";

/** An effect of a saga, or of a child below it, that stands. `path`: the step of this saga. */
interface Standing {
  readonly key: string;
  readonly path: string;
  readonly isDeep: boolean;
}

/** Nothing is under way: what is neither over nor parked nor waiting for a signal awaits a child that is. */
export function atRest(family: Family): void {
  for (const member of family.members.values()) {
    const { state, id } = member;
    if (isOver(state)) afterTheEnd(family, member);
    else if (!state.winding && !isAwaiting(family, member)) {
      family.broken(`Liveness: ${id} is ${state.status} and stands still at ${JSON.stringify(state.root)}`);
    }
  }
}

function isAwaiting(family: Family, member: Member): boolean {
  const { parked, waitingFor } = member.state;
  if (parked !== undefined || waitingFor.length > 0) return true;
  return family.childrenOf(member).some(({ state }) => !isFinal(state.status) || state.reversal === "running");
}

/** All has been done that anybody can do. */
export function atEnd(family: Family): void {
  for (const member of family.members.values()) {
    const { state, id, facts, wasStopped } = member;
    family.count(`end ${state.status}`);
    if (!isOver(state)) {
      family.broken(`Liveness: ${id} is ${state.status} in the end, parked ${JSON.stringify(state.parked)}`);
    }
    if (state.stack.length > 0 && state.status !== "terminated" && !wasStopped) {
      family.broken(`S15: ${id} is ${state.status} and keeps its stack: ${JSON.stringify(state.stack)}`);
    }
    if (facts.parent !== undefined) listedAbove(family, member, family.member(facts.parent.sagaId), facts.parent.path);
    nothingMayRun(family, member);
  }
}

/** S17: what a child could not take back, its parent lists at the step that started it. */
function listedAbove(family: Family, child: Member, parent: Member, path: string): void {
  if (parent.state.status === "terminated" || parent.wasStopped || isListed(parent, path)) return;
  const [left] = child.state.uncompensated;
  if (left === undefined || isVouchedFor(family, child, parent, path)) return;
  family.broken(`S17: ${child.id} (${child.state.status}) lists ${left.step}, and ${parent.id} does not list ${path}`);
}

/** A person has said that the terminated child did what it was to do. */
function isVouchedFor(family: Family, child: Member, parent: Member, path: string): boolean {
  const last = family.childrenOf(parent).findLast(({ facts }) => facts.parent?.path === path);
  return child.state.status === "terminated" && last === child && parent.rows[path] === "succeeded";
}

/** S18: no message that is in error may still run, whoever hands it out again. */
function nothingMayRun(family: Family, { id, state }: Member): void {
  for (const { saga, key, kind, consumed, isNotification } of family.commands) {
    if (saga !== id || consumed !== "error" || isNotification) continue;
    const guard = family.guards[key];
    const verdict = kind === "step" ? stepVerdict(guard) : compensationVerdict(guard);
    if (verdict === "run") family.broken(`S18: the ${kind} of ${key} may still run, and ${id} is ${state.status}`);
  }
}

function afterTheEnd(family: Family, member: Member): void {
  const { state } = member;
  const { status } = state;
  const tookItselfBack = state.reversal === "done" && member.hasReversed && !member.wasStopped;
  if (status === "failed" || status === "cancelled" || (status === "completed" && tookItselfBack)) {
    const left = standing(family, member).find(({ path }) => !isListed(member, path));
    if (left !== undefined) {
      family.broken(`S19: ${member.id} is ${status}, and ${left.key} stands and is not listed at ${left.path}`);
    }
  }
  if (status === "terminated" && !state.pivotPassed) terminated(family, member);
  if (status === "completed") completed(family, member);
  rightlyListed(family, member);
  for (const [path, row] of Object.entries(member.rows)) rowAsItsGuard(family, member, path, row);
}

/** What takes effect and is not taken back, here and in the children. */
function standing(family: Family, member: Member): Standing[] {
  const own = keysOf(family, member)
    .map((key) => ({ key, path: key.slice(member.id.length + 1), isDeep: false }))
    .filter(({ key, path }) => !isUndoing(path) && !family.undone(key) && !undoneByList(member, path));
  const below = family.childrenOf(member).flatMap((child) => {
    const path = child.facts.parent?.path ?? "";
    if (undoneByList(member, path)) return [];
    return standing(family, child).map(({ key }) => ({ key, path, isDeep: true }));
  });
  return [...own, ...below];
}

function keysOf({ effects }: Family, { id }: Member): string[] {
  return effects.flatMap(({ key, kind }) => (kind === "did" && key.startsWith(`${id}/`) ? [key] : []));
}

/** A list that has compensated its step was gone through as a whole. */
function undoneByList(member: Member, path: string): boolean {
  const step = stepAt(member.definition, path);
  if (step === undefined || !("compensate" in step) || step.compensate === undefined) return false;
  if (step.kind === "command" && step.compensate.kind === "command") return false;
  if (member.rows[path] !== "compensated") return false;
  const rows = compensationSteps(step, step.compensate)
    .filter(({ kind }) => kind === "command")
    .map(({ id }) => member.rows[`${path}/compensate/${id}`]);
  // A child before its own pivot has undone itself.
  return step.kind !== "saga" || rows.length === 0 || rows.some((row) => row !== undefined);
}

function terminated(family: Family, member: Member): void {
  const kept = new Set(member.state.stack.map(({ path }) => path));
  const lost = standing(family, member).find(
    ({ path, isDeep }) => !isDeep && !kept.has(path) && !isListed(member, path),
  );
  if (lost !== undefined) family.broken(`S14: ${member.id} is terminated, and ${lost.key} is neither kept nor listed`);
}

/** Of a race one branch stands, of a block that failed none, and nothing else was taken back. */
function completed(family: Family, member: Member): void {
  const { definition, state, rows, id } = member;
  const stand = standing(family, member).filter(({ path }) => !isListed(member, path));
  if (!state.pivotPassed) {
    for (const { key, path } of stand) {
      const failed = lanesAt(definition, path).find(({ block }) => rows[block] === "failed");
      if (failed !== undefined) family.broken(`S10: ${id} is completed, ${failed.block} failed, and ${key} stands`);
    }
    oneWinner(family, member, stand);
  }
  for (const key of keysOf(family, member)) {
    const path = key.slice(id.length + 1);
    if (isUndoing(path) || !family.undone(key) || member.hasReversed) continue;
    const may = lanesAt(definition, path).some(({ block, step }) => isRace(step) || rows[block] === "failed");
    if (!may) family.broken(`S19: ${id} is completed, and ${path} was compensated`);
  }
}

function isRace(step: object): boolean {
  return "join" in step && step.join === "any";
}

function oneWinner(family: Family, { definition, id }: Member, stand: readonly Standing[]): void {
  for (const [block, race] of allSteps(definition)) {
    if (!isRace(race)) continue;
    const branches = new Map<string, string>();
    for (const lane of stand.flatMap(({ path }) => lanesAt(definition, path).filter(({ step }) => step === race))) {
      const other = branches.get(lane.block);
      if (other !== undefined && other !== lane.branch) {
        family.broken(`S10: ${lane.branch} and ${other} of the race ${id}/${block} both stand`);
      }
      branches.set(lane.block, lane.branch);
    }
  }
}

/** What is listed took effect, and was not undone after all; of a call to the outside nobody may know. */
function rightlyListed(family: Family, member: Member): void {
  const { state, definition, id } = member;
  for (const { step: path, reason } of state.uncompensated) {
    childIsAsListed(family, member, path, reason);
    const step = stepAt(definition, path);
    if (step?.kind !== "command" || step.command.startsWith("bank.")) continue;
    const key = `${id}/${path}`;
    if (family.undone(key)) family.broken(`S17: ${key} is listed, and was undone`);
    if (!family.did(key)) family.broken(`S17: ${key} is listed, and never took effect`);
  }
}

/** A child that is said to have been terminated was, and one that is said to list something does, or stopped half undone. */
function childIsAsListed(family: Family, member: Member, path: string, reason: string): void {
  const children = family.childrenOf(member).filter(({ facts }) => facts.parent?.path === path);
  const isTrue =
    reason === "its child saga was terminated"
      ? children.some(({ state }) => state.status === "terminated")
      : !reason.startsWith("its child saga lists") ||
        children.some(({ state, wasStopped }) => state.uncompensated.length > 0 || wasStopped);
  if (!isTrue) family.broken(`S17: ${member.id} lists ${path}, for ${reason}, which is not so`);
}

function rowAsItsGuard(family: Family, member: Member, path: string, row: string): void {
  const step = stepAt(member.definition, path);
  if (step?.kind !== "command") return;
  const key = `${member.id}/${path}`;
  const state = family.guards[key]?.state ?? "none";
  const stands = family.did(key) && !family.undone(key) && !step.command.startsWith("bank.");
  const isTrue: Readonly<Record<string, boolean>> = {
    succeeded: state === "done",
    compensated: ["compensated", "done", "unknown"].includes(state),
    closed: !stands,
    rejected: !stands,
    failed: state !== "done" || !stands,
    kept: isListed(member, path),
  };
  if (isTrue[row] === false) family.broken(`S17: the row of ${key} says ${row}, its guard ${state}`);
}
