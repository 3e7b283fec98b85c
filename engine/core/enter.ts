import { beginDeadline, sendCommand, sendNotification } from "./command.ts";
import { enterChild } from "./child.ts";
import { isCaught } from "./catching.ts";
import type {
  ChooseStep,
  CommandStep,
  EachStep,
  EndStep,
  FailStep,
  NotifyStep,
  ParallelStep,
  SetStep,
  SleepStep,
  Step,
  Template,
  WaitStep,
} from "./definition.ts";
import { type Draft, faultOf } from "./draft.ts";
import { ExpressionFault } from "./evaluate.ts";
import { errorIn, type Frame, open } from "./frame.ts";
import type { Json } from "./json.ts";
import { storedText } from "./key-order.ts";
import { park } from "./park.ts";
import { pathOf } from "./path.ts";
import { isDate, recordedWords, violations } from "./shape.ts";
import { push } from "./stack.ts";
import type { Moved } from "./standing.ts";
import type { Failure } from "./state.ts";

/** Most characters of a failure's message that are kept. */
const FAIL_MESSAGE_MAX = 4_096;

/** Begins a step. A fault of its expressions parks it; a retry enters it again. */
export function enter(draft: Draft, frame: Frame, step: Step): Moved {
  const path = pathOf(frame.prefix, step.id);
  try {
    if (step.if !== undefined && draft.evaluate(path, step.if, errorIn(frame)) !== true) return skip(draft, path, step);
    return enterKind(draft, frame, step, path);
  } catch (error) {
    const failure = faultOf(error, path);
    frame.block.current = { kind: "fault", failure };
    park(draft, path, failure);
    return "open";
  }
}

function enterKind(draft: Draft, frame: Frame, step: Step, path: string): Moved {
  switch (step.kind) {
    case "command":
      return enterCommand(draft, frame, step, path);
    case "notify":
      return enterNotify(draft, frame, step, path);
    case "wait":
      return enterWait(draft, frame, step, path);
    case "choose":
      return enterChoose(draft, frame, step, path);
    case "fail":
      return enterFail(draft, frame, step, path);
    case "parallel":
      return enterParallel(draft, frame, step, path);
    case "each":
      return enterEach(draft, frame, step, path);
    case "saga":
      return enterChild(draft, frame, step, path);
    case "sleep":
      return enterSleep(draft, frame, step, path);
    case "set":
      return enterSet(draft, frame, step, path);
    case "end":
      return enterEnd(draft, frame, step, path);
  }
}

function skip(draft: Draft, path: string, step: Step): "next" {
  if (step.kind !== "fail") draft.step({ path, status: "skipped", started: true, finished: true });
  return "next";
}

function enterNotify(draft: Draft, frame: Frame, step: NotifyStep, path: string): "next" {
  const input = draft.render(path, step.with, errorIn(frame));
  draft.mustFit({ input }, "the notification");
  if (!frame.undoes) push(draft, { path, input });
  sendNotification(draft, step, path, input);
  return "next";
}

function enterCommand(draft: Draft, frame: Frame, step: CommandStep, path: string): "open" {
  const input = draft.render(path, step.with, errorIn(frame));
  draft.mustFit({ input }, "the command");
  frame.block.current = { kind: "command", phase: "sent", attempt: 0, used: 0, input };
  if (!frame.undoes) push(draft, { path, input });
  draft.step({ path, status: "running", started: true });
  beginDeadline(draft, step, path);
  sendCommand(draft, step, path, frame.block.current);
  return "open";
}

function enterWait(draft: Draft, frame: Frame, step: WaitStep, path: string): Moved {
  frame.block.current = { kind: "wait" };
  draft.step({ path, status: "waiting", started: true });
  if (takeSignal(draft, frame, step, path)) return "next";
  if (step.deadlineMs !== undefined) draft.setTimer(`deadline:${path}`, step.deadlineMs);
  return "open";
}

/** Takes the oldest unread signal that the wait wants. @throws ExpressionFault from `output`. */
export function takeSignal(draft: Draft, frame: Frame, step: WaitStep, path: string): boolean {
  const index = draft.state.mailbox.findIndex(
    (mail) => mail.signal === step.signal && isWanted(draft, frame, step, path, mail.payload),
  );
  const mail = draft.state.mailbox[index];
  if (mail === undefined) return false;
  const output =
    step.output === undefined
      ? mail.payload
      : draft.render(path, step.output, { ...errorIn(frame), result: mail.payload, signal: mail.payload });
  draft.state.mailbox.splice(index, 1);
  draft.took(mail.messageId, path);
  draft.clearTimers(path);
  record(draft, step, path, output);
  return true;
}

/** Whoever sends a signal may send anything: a payload over which `match` fails is one that does not match. */
function isWanted(draft: Draft, frame: Frame, step: WaitStep, path: string, payload: Json): boolean {
  if (contractFault(step, path, payload) !== undefined) return false;
  if (step.match === undefined) return true;
  try {
    return draft.evaluate(path, step.match, { ...errorIn(frame), signal: payload }) === true;
  } catch (error) {
    if (error instanceof ExpressionFault) return false;
    throw error;
  }
}

/** Keeps a step's output where later steps read it. */
export function record(draft: Draft, step: Step, path: string, output: Json): void {
  draft.values.keepOutput(step, path, output);
  draft.step({ path, status: "succeeded", output, finished: true });
}

function enterChoose(draft: Draft, frame: Frame, step: ChooseStep, path: string): Moved {
  const branch = chosen(draft, frame, step, path);
  if (branch !== undefined) {
    draft.stepAgain({ path, status: "succeeded", finished: true });
    open(frame, branch);
    return "again";
  }
  const message = "no case matches and there is no else";
  return failHere(draft, frame, step, { code: "no_choice", message, step: path, kind: "fail" });
}

function chosen(draft: Draft, frame: Frame, step: ChooseStep, path: string): string | undefined {
  const subject = step.subject === undefined ? undefined : draft.evaluate(path, step.subject, errorIn(frame));
  const branch = step.branches.find((candidate) =>
    candidate.when === undefined
      ? subject !== undefined && sameJson(subject, candidate.equals)
      : draft.evaluate(path, candidate.when, errorIn(frame)) === true,
  );
  return branch?.id ?? (step.else === undefined ? undefined : "else");
}

/** Cases are written as text in the YAML; `true`, `3` and `"3"` name the same case. */
function sameJson(subject: Json, equals: Json | undefined): boolean {
  return subject === equals || (typeof subject !== "object" && String(subject) === String(equals));
}

function enterFail(draft: Draft, frame: Frame, step: FailStep, path: string): Moved {
  const rendered = step.message === undefined ? step.code : draft.render(path, step.message, errorIn(frame));
  const message = (typeof rendered === "string" ? rendered : storedText(rendered))
    .slice(0, FAIL_MESSAGE_MAX)
    .toWellFormed();
  return failHere(draft, frame, step, { code: step.code, message, step: path, kind: "fail" });
}

/** A failure without anything in flight: outward, or, past the pivot when nothing catches it, a person. */
export function failHere(draft: Draft, frame: Frame, step: Step, failure: Failure): "again" | "open" {
  const state = { kind: "fault", failure } as const;
  if (frame.uncaught === "outward" || isCaught({ frame, step, path: failure.step, state }, failure)) {
    draft.stepAgain({ path: failure.step, status: "failed", failure, finished: true });
    draft.fail(frame.block, failure);
    return "again";
  }
  frame.block.current = state;
  park(draft, failure.step, failure);
  return "open";
}

function enterParallel(draft: Draft, frame: Frame, step: ParallelStep, path: string): "again" {
  const branches = Object.fromEntries(step.branches.map(({ id }) => [id, { root: { at: 0 } }]));
  frame.block.current = { kind: "branches", branches };
  return beginBlock(draft, step, path);
}

function enterEach(draft: Draft, frame: Frame, step: EachStep, path: string): "again" {
  const items = draft.evaluate(path, step.in, errorIn(frame));
  if (!Array.isArray(items)) throw new ExpressionFault(step.in, `${step.in.source} is no list`);
  if (items.length > step.max) {
    throw new ExpressionFault(step.in, `${step.in.source} has ${items.length} items, at most ${step.max} are allowed`);
  }
  draft.values.keepList(path, items);
  frame.block.current = { kind: "branches", branches: {}, next: 0 };
  return beginBlock(draft, step, path);
}

function beginBlock(draft: Draft, step: ParallelStep | EachStep, path: string): "again" {
  draft.step({ path, status: "running", started: true });
  if (step.deadlineMs !== undefined) draft.setTimer(`deadline:${path}`, step.deadlineMs);
  return "again";
}

function enterSleep(draft: Draft, frame: Frame, step: SleepStep, path: string): "next" | "open" {
  const afterMs = step.until === undefined ? (step.forMs ?? 0) : msUntil(draft, frame, step, step.until, path);
  if (afterMs <= 0) {
    draft.step({ path, status: "succeeded", started: true, finished: true });
    return "next";
  }
  frame.block.current = { kind: "sleep" };
  draft.step({ path, status: "waiting", started: true });
  draft.setTimer(`sleep:${path}`, afterMs);
  return "open";
}

function msUntil(draft: Draft, frame: Frame, step: SleepStep, until: Template, path: string): number {
  const value = draft.render(path, until, errorIn(frame));
  if (!isDate(value)) {
    const place = { source: "until", at: step.at };
    throw new ExpressionFault(
      place,
      `${JSON.stringify(value)} is neither a date nor a time with its offset in ISO 8601`,
    );
  }
  return Date.parse(value) - Date.parse(draft.read.now);
}

function enterSet(draft: Draft, frame: Frame, step: SetStep, path: string): "next" {
  const rendered = Object.entries(step.values).map(
    ([name, template]) => [name, draft.render(path, template, errorIn(frame))] as const,
  );
  const twice = rendered.find(([name]) => draft.values.hasVariable(path, name));
  if (twice !== undefined) {
    const [name] = twice;
    throw new ExpressionFault({ source: name, at: step.at }, `vars.${name} is written a second time`);
  }
  draft.values.keepVariables(path, rendered);
  draft.step({ path, status: "succeeded", started: true, finished: true });
  return "next";
}

function enterEnd(draft: Draft, frame: Frame, step: EndStep, path: string): "ended" {
  const { state } = draft;
  if (step.output !== undefined) {
    const output = draft.render(path, step.output, errorIn(frame));
    draft.mustFit({ output }, "the output of the saga");
    state.output = output;
  }
  state.outcome = step.outcome;
  draft.step({ path, status: "succeeded", started: true, finished: true });
  return "ended";
}

/** What a result breaks of the step's declared `returns`, as a fault; undefined when it fits. */
export function contractFault(
  step: Extract<Step, { kind: "command" | "wait" | "saga" }>,
  path: string,
  result: Json,
): Failure | undefined {
  const problem = step.returns === undefined ? undefined : violations(step.returns, result)[0];
  if (problem === undefined) return undefined;
  const message = `the result does not fit returns: ${problem.path === "" ? "it" : problem.path} ${recordedWords(problem)}`;
  return { code: "step.contract", message, step: path, kind: "fault", line: step.at.line, column: step.at.column };
}
