import type { Outgoing, Resolved, Transition } from "../../../engine/core/decision.ts";
import type { GuardOutcome, SagaEvent } from "../../../engine/core/event.ts";
import type { Json, JsonObject } from "../../../engine/core/json.ts";
import { isFinal, type Parent, type SagaState } from "../../../engine/core/state.ts";
import { createEvaluator } from "../../../engine/definition/expression.ts";
import { type Command, type Family, type Member, ROOT } from "./family.ts";
import { afterTransition, attempts } from "./laws.ts";

const evaluator = createEvaluator();
const GIVEN_UP = ["done", "unknown", "compensating"];

/** Decides an event and carries out what was decided; says the reason where it moved nothing. */
export function apply(family: Family, member: Member, event: SagaEvent): string {
  const guards: Record<string, GuardOutcome> = {};
  const settled: (() => void)[] = [];
  for (;;) {
    const read = { now: new Date(family.now).toISOString(), guards };
    const decision = family.decide(member.definition, member.facts, member.state, event, read, evaluator);
    if (decision.kind === "needs") {
      guards[decision.path] = settle(family, member, decision.path, decision.keepStarted ?? false, settled);
      continue;
    }
    if (decision.kind === "transition") {
      carryOut(family, member, event, decision, guards);
      return "transition";
    }
    // Its transaction writes nothing but the event's consumption.
    for (const takeBack of settled.toReversed()) takeBack();
    family.tell(`  ${member.id} ${inWords(event)}: ${decision.reason}`);
    family.count(`no-op ${decision.reason}`);
    return decision.reason;
  }
}

function inWords(event: SagaEvent): string {
  const where = "path" in event ? event.path : "step" in event ? event.step : "timer" in event ? event.timer : "";
  return `${event.type} ${where ?? ""}${"attempt" in event ? `#${event.attempt}` : ""}`.trim();
}

function carryOut(
  family: Family,
  member: Member,
  event: SagaEvent,
  transition: Transition,
  guards: Readonly<Record<string, GuardOutcome>>,
): void {
  const before = member.state;
  family.tell(`  ${member.id} ${inWords(event)} → ${outcomeInWords(transition, guards)}`);
  family.count(`event ${event.type}`);
  for (const { state } of Object.values(guards)) family.count(`guard ${state}`);
  if (isFinal(before.status) && before.status !== transition.state.status) {
    family.broken(`I1: ${member.id} leaves its final status ${before.status}`);
  }
  member.state = transition.state;
  member.sequence += 1;
  member.taken += Object.keys(transition.taken).length;
  if (event.type === "retry.requested" || event.type === "edit.requested") member.verbs += 1;
  if (transition.state.reversal === "running") member.hasReversed = true;
  const ends = event.type === "terminate.requested" || event.type === "parent.terminated";
  if (ends && transition.state.reversal === "done") member.wasStopped = true;
  for (const { path, status } of transition.steps) member.rows[path] = status;
  writeGuards(family, member, transition);
  for (const [timer, dueAt] of Object.entries(member.state.timers)) {
    if (before.timers[timer] !== dueAt) family.timersSet.push({ member, timer, dueAt });
  }
  for (const outgoing of transition.outgoing) post(family, member, outgoing, before);
  afterTransition(family, member, before);
}

function outcomeInWords(
  { state, outgoing, steps }: Transition,
  guards: Readonly<Record<string, GuardOutcome>>,
): string {
  const seen = Object.entries(guards).map(([path, guard]) => `guard of ${path} ${guard.state}`);
  const sent = outgoing.map(
    ({ type, path, attempt, to }) =>
      `${type}${path === undefined ? "" : ` ${path}`}${attempt === undefined ? "" : `#${attempt}`}${to === undefined ? "" : ` to ${to}`}`,
  );
  const status = [state.status, state.reversal, state.closing === undefined ? undefined : "closing"];
  const rows = steps.map(({ path, status: now }) => `${path} ${now}`);
  const parts = [seen, [status.filter((part) => part !== undefined).join("/")], sent, rows];
  return parts.map((part) => part.join(", ")).join("; ");
}

function writeGuards(family: Family, { id }: Member, { reopen, keep, resolved = [] }: Transition): void {
  const { guards } = family;
  for (const path of reopen) if (guards[`${id}/${path}`]?.state === "rejected") delete guards[`${id}/${path}`];
  for (const path of keep) {
    if (GIVEN_UP.includes(guards[`${id}/${path}`]?.state ?? "")) guards[`${id}/${path}`] = { state: "kept" };
  }
  for (const word of resolved) writeWord(family, `${id}/${word.path}`, word);
}

/** Whoever says how a step has ended has done it by hand, unless it had been done unseen. */
function writeWord(family: Family, key: string, { state, output }: Resolved): void {
  const { guards, effects } = family;
  const own = guards[key];
  if (state === "done") {
    if (own !== undefined && !["started", "closed", "rejected", "unknown"].includes(own.state)) return;
    guards[key] = { state, output };
    if (!family.did(key)) effects.push({ key, kind: "did" });
  } else if (own !== undefined && GIVEN_UP.includes(own.state)) {
    guards[key] = { state };
    if (family.did(key) && !family.undone(key)) effects.push({ key, kind: "undone" });
  }
}

function post(family: Family, member: Member, outgoing: Outgoing, before: SagaState): void {
  const { to, type, topic, body } = outgoing;
  if (to !== undefined) return postToSaga(family, to, type, body as JsonObject);
  if (topic === "timeline") return family.count(type);
  const command = commandOf(member, outgoing);
  const { key, kind } = command;
  const undoes = kind === "compensation" || key.includes("/compensate/");
  if (undoes && (member.state.pivotPassed || before.pivotPassed))
    family.broken(`S9: ${type} of ${key} behind the pivot`);
  if (before.status === "terminated" || before.reversal === "done")
    family.broken(`S14: ${type} of ${key} after the end`);
  if (outgoing.headers?.["supersedes"] !== undefined) {
    const older = family.commands.filter((one) => one.key === key && one.kind === kind);
    for (const one of older) one.consumed = "done";
    family.edits.set(`${kind} ${key}`, command.input);
  }
  family.commands.push(command);
  attempts(family, member, command);
  family.count(kind === "step" ? "command sent" : "compensation sent");
}

function postToSaga(family: Family, to: string, type: string, body: JsonObject): void {
  if (type === "child.requested") {
    const { definition, input, parent } = body as unknown as { definition: string; input: JsonObject; parent: Parent };
    family.birth(to, definition, input, parent);
    family.count(parent.sagaId === ROOT ? "child" : "grandchild");
    return;
  }
  const receiver = family.members.get(to);
  if (receiver === undefined) family.broken(`S15: ${type} to ${to}, which is no saga`);
  receiver.inbox.push({ type, ...body } as unknown as SagaEvent);
}

function commandOf({ id }: Member, { type, path = "", attempt = 0, topic, headers, body }: Outgoing): Command {
  return {
    saga: id,
    path,
    key: `${id}/${path}`,
    kind: type === "step.requested" ? "step" : "compensation",
    attempt,
    input: (body as { readonly input?: Json }).input ?? null,
    isNotification: headers?.["notify"] === true,
    isExternal: topic.startsWith("bank."),
    timeoutMs: Number(headers?.["timeoutMs"] ?? 30_000),
    consumed: "new",
  };
}

/** What the question for a guard is answered; `settled` takes back what it wrote. The empty path: all notifications. */
function settle(
  family: Family,
  member: Member,
  path: string,
  keepStarted: boolean,
  settled: (() => void)[],
): GuardOutcome {
  if (path === "") {
    const own = family.commands.filter(({ saga, isNotification }) => saga === member.id && isNotification);
    const states = own.map((command) => settle(family, member, command.path, false, settled).state);
    return { state: states.includes("running") ? "running" : "closed" };
  }
  const { guards, commands } = family;
  const key = `${member.id}/${path}`;
  const guard = guards[key];
  const write = (state: "closed" | "unknown"): GuardOutcome => {
    guards[key] = { state };
    settled.push(() => {
      if (guard === undefined) delete guards[key];
      else guards[key] = guard;
    });
    return { state };
  };
  // Whoever takes the message at this moment holds the step's lock.
  const isTaken = commands.some((one) => one.key === key && one.consumed === "new") && family.random.chance(0.25);
  if (isTaken && (!family.isHealed || family.random.chance(0.3))) return { state: "running" };
  if (guard === undefined) return write("closed");
  // Also of a process that died in its call.
  const mayRun = family.now < (guard.until ?? 0) || commands.some((one) => one.key === key && one.consumed === "open");
  if (mayRun && (guard.state === "started" || guard.state === "compensating")) return { state: "running" };
  if (guard.state === "started") return keepStarted ? { state: "unknown" } : write("unknown");
  if (guard.state === "done") return { state: "done", output: guard.output ?? null };
  if (guard.state === "rejected") return { state: "rejected", code: guard.code ?? "", message: "" };
  return { state: guard.state };
}
