import type { CommandStep } from "../../../engine/core/definition.ts";
import { Draft } from "../../../engine/core/draft.ts";
import { placesOf } from "../../../engine/core/frame.ts";
import { lanesAt, stepAt } from "../../../engine/core/path.ts";
import { type BlockState, isFinal, type SagaState, type StepState } from "../../../engine/core/state.ts";
import { createEvaluator } from "../../../engine/definition/expression.ts";
import { type Command, type Family, isListed, isUndoing, type Member, parkedRows } from "./family.ts";

const evaluator = createEvaluator();
/** What a row may say of a step in a saga that is over. */
const ENDED = ["succeeded", "failed", "rejected", "skipped", "closed", "compensated", "kept"];

/** Final, and nothing of it goes on. */
export function isOver({ status, winding, reversal }: SagaState): boolean {
  return isFinal(status) && winding !== true && reversal !== "running";
}

/** What a transition may not leave behind. */
export function afterTransition(family: Family, member: Member, before: SagaState): void {
  const { state, id } = member;
  parkedAsItsRows(family, member);
  if (isOver(state)) {
    const [path, status] = Object.entries(member.rows).find(([, row]) => !ENDED.includes(row)) ?? [];
    if (path !== undefined) family.broken(`S17: ${id} is ${state.status}, and ${path} is ${status}`);
    const [timer] = Object.keys(state.timers);
    if (timer !== undefined) family.broken(`I13: ${id} is ${state.status} and keeps the timer ${timer}`);
  } else if (!state.winding) deadlinesAreSet(family, member);
  listedOnce(family, member);
  concurrency(family, member);
  stillReadable(family, member);
  childrenAreOver(family, member);
  if (state.pivotPassed && state.failure !== undefined && state.status !== "terminated") {
    family.broken(`S9: ${id} goes backward although its pivot was taken`);
  }
  if (state.pivotPassed && state.stack.length > 0) family.broken(`S9: ${id} keeps a stack behind its pivot`);
  if (before.pivotPassed && !state.pivotPassed) family.broken(`S9: ${id} forgets its pivot`);
  if (state.mailbox.length + member.taken !== member.signals) {
    family.broken(`S13: ${id} had ${member.signals} signals, took ${member.taken} and keeps ${state.mailbox.length}`);
  }
}

/** S17: a saga is parked while a row of a step of it says so, and no longer. */
function parkedAsItsRows(family: Family, member: Member): void {
  const { state, id } = member;
  const [row] = parkedRows(member);
  const isLast = isFinal(state.status) && state.reversal !== "running";
  if (isLast && state.parked !== undefined) family.broken(`S17: ${id} is ${state.status} and parked`);
  if (!isLast && (row !== undefined) !== (state.parked !== undefined)) {
    family.broken(`S17: ${id} is ${state.status}, parked ${state.parked?.step}, and the row ${row} says so`);
  }
}

/** A step that runs and has a deadline has its timer. */
function deadlinesAreSet(family: Family, { definition, facts, state: saga, id }: Member): void {
  const draft = new Draft(definition, facts, saga, { now: "", guards: {} }, evaluator);
  for (const { frame, step, path, state } of placesOf(draft)) {
    if (frame.closing || !("deadlineMs" in step) || step.deadlineMs === undefined || !isUnderWay(state)) continue;
    if (saga.timers[`deadline:${path}`] === undefined) family.broken(`S12: ${id}/${path} runs without its deadline`);
  }
}

function isUnderWay(state: StepState): boolean {
  if (state.kind === "command") return state.phase === "sent" || state.phase === "backoff";
  return state.kind === "wait" || (state.kind === "child" && state.phase === "open");
}

function listedOnce(family: Family, { state, id }: Member): void {
  const lines = state.uncompensated.map(({ step, reason }) => `${step}: ${reason}`);
  const twice = lines.find((line, index) => lines.indexOf(line) !== index && !line.includes("its child saga"));
  if (twice !== undefined) family.broken(`S17: ${id} lists twice ${twice}`);
}

/** S10: once no block is open, nothing of a step that was undone is there for later expressions. */
function stillReadable(family: Family, { definition, state, id }: Member): void {
  if (state.failure !== undefined || state.closing !== undefined || isFinal(state.status) || isOpen(state.root)) return;
  for (const { key, kind } of family.effects) {
    if (kind !== "undone" || !key.startsWith(`${id}/`)) continue;
    const name = stepAt(definition, key.slice(id.length + 1))?.name ?? "";
    if (Object.hasOwn(state.outputs, name)) family.broken(`S10: ${key} was undone, and its output can still be read`);
  }
}

function isOpen({ current }: BlockState): boolean {
  if (current?.kind === "block") return isOpen(current.block);
  return current?.kind === "branches" || current?.kind === "undoing";
}

/** S15: who is over, and was not terminated, awaits no child any more. */
function childrenAreOver(family: Family, member: Member): void {
  if (!isOver(member.state) || member.state.status === "terminated") return;
  const open = family.childrenOf(member).find(({ state }) => !isFinal(state.status));
  if (open !== undefined)
    family.broken(`S15: ${member.id} is ${member.state.status}, and its child ${open.id} is not over`);
}

/** I12: no more attempts than the policy allows; what a person asks for begins a new count. */
export function attempts(family: Family, { definition, verbs }: Member, { key, kind, path }: Command): void {
  const step = stepAt(definition, path);
  const sender = kind === "compensation" && step !== undefined && "compensate" in step ? step.compensate : step;
  const policy = sender !== undefined && "retry" in sender ? sender.retry : undefined;
  if (typeof policy?.attempts !== "number") return;
  const sent = family.commands.filter((one) => one.key === key && one.kind === kind).length;
  if (sent > policy.attempts * (1 + verbs)) family.broken(`I12: ${sent} attempts of the ${kind} ${key}`);
}

/** Of an `each` no more items are begun, or undone, at a time than it says. */
function concurrency(family: Family, { definition, state, id }: Member): void {
  const { current, at } = state.root;
  const step = definition.steps[at];
  if (step?.kind === "each" && current?.kind === "branches") {
    const open = Object.keys(current.branches).length;
    if (open > step.concurrency) family.broken(`S10: ${open} items of ${id}/${step.id} at a time`);
  }
  const undone = new Map<string, Set<string>>();
  for (const { path, undo } of state.stack) {
    if (undo === undefined) continue;
    for (const lane of lanesAt(definition, path)) {
      const lanes = undone.get(lane.block) ?? new Set();
      undone.set(lane.block, lanes.add(lane.branch));
      const most = lane.step.kind === "each" ? lane.step.concurrency : lanes.size;
      if (lanes.size > most) family.broken(`S7: ${lanes.size} items of ${id}/${lane.block} are undone at a time`);
    }
  }
}

/** What may not run, whatever is handed out once more. */
export function beforeRun(family: Family, { saga, path, key, kind, attempt, input, isNotification }: Command): void {
  const { state, rows } = family.member(saga);
  const name = `the ${kind} ${key}#${attempt}`;
  if (state.status === "terminated" && !state.winding) family.broken(`S14: ${name} runs in a terminated saga`);
  if (["skipped", "closed"].includes(rows[path] ?? ""))
    family.broken(`S18: ${name} runs, and its row is ${rows[path]}`);
  const isForward = kind === "step" && !isNotification && !isUndoing(path);
  if (isForward && state.failure !== undefined && isOver(state)) {
    family.broken(`S19: ${name} runs in a saga that is ${state.status}`);
  }
  const edited = family.edits.get(`${kind} ${key}`);
  if (edited !== undefined && JSON.stringify(edited) !== JSON.stringify(input)) {
    family.broken(`Edit: ${name} runs with what was replaced: ${JSON.stringify(input)}`);
  }
}

/** Notes an effect: at most once, never behind its own compensation, and in order. */
export function noteEffect(family: Family, key: string, kind: "did" | "undone", isExternal: boolean): void {
  if (isExternal && isVoid(family, key, kind)) return;
  const has = kind === "did" ? family.did(key) : family.undone(key);
  if (has) family.broken(`I2: ${key} ${kind === "did" ? "took effect" : "was compensated"} twice`);
  if (kind === "undone" && !isExternal && !family.did(key))
    family.broken(`I2: ${key} was compensated without an effect`);
  if (kind === "did" && family.undone(key)) family.broken(`I5: ${key} took effect after its compensation`);
  // A compensation that was given up while nobody knew its end may arrive at any time: its place is where it was sent.
  const isLate = ["kept", "skipped"].includes(rowOf(family, key));
  if (kind === "undone" && !isLate) inOrder(family, key);
  family.effects.push({ key, kind });
}

function rowOf(family: Family, key: string): string {
  const id = key.slice(0, key.indexOf("/"));
  return family.member(id).rows[key.slice(id.length + 1)] ?? "";
}

/** The other side knows the step key: a second call changes nothing, and one after the compensation or a refusal is void. */
function isVoid(family: Family, key: string, kind: "did" | "undone"): boolean {
  if (family.undone(key)) return true;
  return kind === "did" && (family.did(key) || family.guards[key]?.state === "rejected");
}

/** S7: everything in the same line that took effect later is undone already, or is listed. */
function inOrder(family: Family, key: string): void {
  const id = key.slice(0, key.indexOf("/"));
  const path = key.slice(id.length + 1);
  const own = family.effects.filter((effect) => effect.kind === "did" && effect.key.startsWith(`${id}/`));
  const at = own.findIndex((effect) => effect.key === key);
  for (const later of at === -1 ? [] : own.slice(at + 1)) {
    if (mustBeUndoneFirst(family, family.member(id), path, later.key.slice(id.length + 1))) {
      family.broken(`I4: ${key} was compensated before ${later.key}`);
    }
  }
}

function mustBeUndoneFirst(family: Family, member: Member, path: string, later: string): boolean {
  if (isUndoing(later) || isListed(member, later) || family.undone(`${member.id}/${later}`)) return false;
  const step = stepAt(member.definition, later) as CommandStep;
  // A call that was given up may arrive at any time: its place is where it was sent.
  if (step.compensate === undefined || step.command.startsWith("bank.")) return false;
  if (["compensated", "kept"].includes(member.rows[later] ?? "")) return false;
  const lanes = lanesAt(member.definition, later);
  return !lanesAt(member.definition, path).some(({ block, branch }) =>
    lanes.some((lane) => lane.block === block && lane.branch !== branch),
  );
}
