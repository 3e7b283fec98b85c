import type { SagaEvent } from "../../../engine/core/event.ts";
import type { Json, JsonObject } from "../../../engine/core/json.ts";
import { isFinal } from "../../../engine/core/state.ts";
import { compensationVerdict, stepVerdict } from "../explorer/participant.ts";
import type { Command, Family, Guard, Member } from "./family.ts";
import { beforeRun, noteEffect } from "./laws.ts";

/** How often a handler ends in which way until everything heals. */
const STEP = { ok: 62, rejected: 12, busy: 6, exception: 10, fatal: 5, timeout: 3, "step.output": 2 };
const COMPENSATION = { ok: 66, rejected: 0, busy: 0, exception: 20, fatal: 10, timeout: 0, "step.output": 4 };
const NOTIFICATION = { ok: 5, rejected: 0, busy: 0, exception: 1, fatal: 0, timeout: 0, "step.output": 0 };
type End = keyof typeof STEP;

/** The same of a call to the outside. `threw…`: nobody saw its end; it has taken effect, takes effect later, or never. */
const CALL = { ok: 55, rejected: 10, threw: 10, "threw after": 8, "threw before": 5, fatal: 3, not_sent: 8, dies: 4 };
const CALL_BACK = { ...CALL, rejected: 0, fatal: 0, not_sent: 0, dies: 5 };
type CallEnd = keyof typeof CALL;

/** A participant takes a command: it answers by the guard alone, runs the handler, or begins a call. */
export function deliver(family: Family, command: Command): void {
  const guard = family.guards[command.key];
  const verdict = command.kind === "step" ? stepVerdict(guard) : compensationVerdict(guard);
  const member = family.member(command.saga);
  if (verdict === "run") {
    beforeRun(family, command);
    if (command.isExternal && !command.isNotification) return call(family, command, guard);
    return run(family, member, command);
  }
  command.consumed = "done";
  if (verdict === "refused") return family.tell(`${nameOf(command)} is refused: the guard says ${guard?.state}`);
  if (command.isNotification) return;
  if (guard === undefined) family.guards[command.key] = { state: "blocked" };
  const { path, attempt } = command;
  const output = verdict.type === "step.succeeded" ? { output: guard?.output ?? null } : {};
  family.tell(`${nameOf(command)} is answered again: ${verdict.type}`);
  say(family, member, { ...verdict, ...output, path, attempt } as unknown as SagaEvent);
}

/** A transactional handler: guard, effect and answer are one commit. */
function run(family: Family, member: Member, command: Command): void {
  const end = endOf(family, command);
  const { key, path, attempt, kind } = command;
  family.tell(`${nameOf(command)} ends: ${end}`);
  family.count(`${kind} ${end}`);
  if (end === "ok") {
    command.consumed = "done";
    if (!command.isNotification) noteEffect(family, key, kind === "step" ? "did" : "undone", false);
    const output = outputOf(family);
    family.guards[key] = kind === "step" ? { state: "done", output } : { state: "compensated" };
    if (!command.isNotification) succeed(family, member, command, output);
  } else if (end === "rejected" || end === "busy") {
    command.consumed = "done";
    const code = end === "busy" ? "busy" : "refused";
    family.guards[key] = { state: "rejected", code };
    say(family, member, { type: "step.rejected", path, attempt, code, message: "" });
  } else {
    command.consumed = "error";
    if (!command.isNotification) fail(family, member, command, end, end === "exception" || end === "timeout", false);
  }
}

function endOf({ isHealed, random, luck }: Family, { kind, isNotification }: Command): End {
  if (isHealed) return "ok";
  const ends = isNotification ? NOTIFICATION : kind === "step" ? STEP : COMPENSATION;
  return random.weighted({ ...ends, ok: ends.ok * luck });
}

/** Now and then it breaks an output template. */
function outputOf({ isHealed, random }: Family): JsonObject {
  return isHealed || random.chance(0.93) ? { at: "now" } : { at: 5 };
}

/** An external call: claim and guard are committed, then it runs while everything else goes on. */
function call(family: Family, command: Command, guard: Guard | undefined): void {
  const until = family.now + command.timeoutMs;
  command.consumed = "open";
  if (command.kind === "compensation")
    family.guards[command.key] = { ...(guard as Guard), state: "compensating", until };
  // A call over an earlier `started` did not write it, and may not take it back either: the first may have arrived.
  else
    family.guards[command.key] =
      guard === undefined ? { state: "started", by: command, until } : { state: "started", until };
  family.tell(`${nameOf(command)} is called`);
}

/** A call ends, or the process dies in it: then nobody answers, and its message comes again. */
export function endCall(family: Family, command: Command): void {
  const { key, kind } = command;
  const end = endOfCall(family, command);
  family.tell(`the call of ${nameOf(command)} ends: ${end}`);
  family.count(`called ${kind} ${end}`);
  const arrives = end === "ok" || end === "threw after" || (end === "dies" && family.random.chance(0.3));
  if (arrives) noteEffect(family, key, kind === "step" ? "did" : "undone", true);
  // A process that sleeps past its session sends what it was about to send when it wakes.
  else if (end === "threw" || (end === "dies" && family.random.chance(0.5))) family.late.push(command);
  if (end === "dies") command.consumed = "new";
  else endAnswered(family, command, end);
}

/** The other side knows the step key: what it has done it does not refuse later, and what it refused it does not do. */
function endOfCall(family: Family, { key, kind }: Command): CallEnd {
  if (kind === "step" && family.guards[key]?.state === "rejected") return "rejected";
  if (family.isHealed) return "ok";
  const mayRefuse = !family.did(key) && !family.late.some((one) => one.key === key);
  const ends = kind === "step" ? { ...CALL, rejected: mayRefuse ? CALL.rejected : 0 } : CALL_BACK;
  return family.random.weighted({ ...ends, ok: ends.ok * family.luck });
}

function endAnswered(family: Family, command: Command, end: CallEnd): void {
  const member = family.member(command.saga);
  const { key, path, attempt, kind } = command;
  const guard = family.guards[key] as Guard;
  if (end === "ok") {
    command.consumed = "done";
    const output = outputOf(family);
    // Only what is under way moves: what was given up meanwhile stays given up.
    if (kind === "step" && guard.state === "started") family.guards[key] = { state: "done", output };
    const goesOn = ["done", "unknown", "compensating"].includes(guard.state);
    if (kind === "compensation" && goesOn) family.guards[key] = { state: "compensated" };
    succeed(family, member, command, output);
  } else if (end === "rejected") {
    command.consumed = "done";
    if (guard.state === "started") family.guards[key] = { state: "rejected", code: "refused" };
    say(family, member, { type: "step.rejected", path, attempt, code: "refused", message: "" });
  } else {
    command.consumed = "error";
    if (guard.until !== undefined) family.guards[key] = { ...guard, until: family.now };
    const isBack = end === "not_sent" && guard.state === "started" && guard.by === command;
    if (isBack) delete family.guards[key];
    const code = end.startsWith("threw") ? "exception" : end;
    fail(family, member, command, code, end !== "fatal", end !== "not_sent");
  }
}

/** A call that was given up arrives; after the compensation, or a refusal, it is void. */
export function arrive(family: Family, command: Command): void {
  family.late.splice(family.late.indexOf(command), 1);
  family.tell(`the call of ${nameOf(command)} arrives late`);
  family.count("late call");
  noteEffect(family, command.key, command.kind === "step" ? "did" : "undone", true);
}

function succeed(family: Family, member: Member, { kind, path, attempt }: Command, output: Json): void {
  if (kind === "step") say(family, member, { type: "step.succeeded", path, attempt, output });
  else say(family, member, { type: "compensation.succeeded", path, attempt });
}

function fail(
  family: Family,
  member: Member,
  { kind, path, attempt }: Command,
  code: string,
  retryable: boolean,
  unknown: boolean,
): void {
  const body = { path, attempt, code, message: "", retryable };
  if (kind === "step") say(family, member, { type: "step.failed", ...body, unknown });
  else say(family, member, { type: "compensation.failed", ...body });
}

function say({ isHealed, random }: Family, member: Member, answer: SagaEvent): void {
  member.inbox.push(answer);
  if (!isHealed && random.chance(0.03)) member.inbox.push(answer);
}

/** The dispatcher takes the next event; an answer may come before older ones of other attempts. */
export function nextEvent({ isHealed, random }: Family, { inbox, state }: Member): SagaEvent {
  const answers = inbox.flatMap((event, index) => ("attempt" in event ? [index] : []));
  const overtakes = !isHealed && !isFinal(state.status) && answers.length > 1 && random.chance(0.1);
  const at = overtakes ? random.pick(answers) : 0;
  return inbox.splice(at, 1)[0] as SagaEvent;
}

function nameOf({ kind, key, attempt }: Command): string {
  return `${kind === "step" ? "command" : "compensation"} ${key}#${attempt}`;
}
