import { goBackward } from "./backward.ts";
import { sendCommand, sendNotification } from "./command.ts";
import type { ChooseStep, CommandStep, FailStep, NotifyStep, Step, WaitStep } from "./definition.ts";
import { type Draft, errorOf, faultOf } from "./draft.ts";
import type { Scope } from "./evaluate.ts";
import { type Frame, frames, innermost, open } from "./frame.ts";
import type { Json } from "./json.ts";
import { park } from "./park.ts";
import { pathOf } from "./path.ts";
import { violations } from "./shape.ts";
import type { Failure } from "./state.ts";

/** Goes forward from wherever the saga stands until every branch waits for something or the saga ends. */
export function advance(draft: Draft): void {
  const chain = frames(draft.definition, draft.state);
  while (draft.state.status === "running") {
    const frame = innermost(chain);
    const step = frame.steps[frame.block.at];
    if (step === undefined) {
      if (chain.length === 1) return complete(draft, frame);
      chain.pop();
      leave(innermost(chain));
    } else {
      const entered = enter(draft, frame, step);
      if (entered === "waits") return;
      if (entered === "next") leave(frame);
      else chain.push(entered);
    }
  }
}

/** The step in progress has ended well: on to the next one. */
export function leave(frame: Frame): void {
  delete frame.block.current;
  frame.block.at += 1;
}

/** Most characters of a failure's message that are kept. */
const FAIL_MESSAGE_MAX = 4_096;

type Entered = "next" | "waits" | Frame;

function enter(draft: Draft, frame: Frame, step: Step): Entered {
  const path = pathOf(frame.prefix, step.id);
  try {
    if (step.if !== undefined && draft.evaluate(step.if, scopeOf(frame)) !== true) return skip(draft, path, step);
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
    }
  } catch (error) {
    const failure = faultOf(error, path);
    frame.block.current = { kind: "fault", failure };
    park(draft, path, failure);
    return "waits";
  }
}

function skip(draft: Draft, path: string, step: Step): "next" {
  if (step.kind !== "fail") draft.step({ path, status: "skipped", started: true, finished: true });
  return "next";
}

function enterNotify(draft: Draft, frame: Frame, step: NotifyStep, path: string): "next" {
  const input = draft.render(step.with, scopeOf(frame));
  draft.mustFit({ input }, "the notification");
  sendNotification(draft, step, path, input);
  return "next";
}

function enterCommand(draft: Draft, frame: Frame, step: CommandStep, path: string): "waits" {
  const input = draft.render(step.with, scopeOf(frame));
  draft.mustFit({ input }, "the command");
  frame.block.current = { kind: "command", phase: "sent", attempt: 0, used: 0, input };
  draft.state.stack.push({ path, input });
  draft.step({ path, status: "running", started: true });
  if (step.deadlineMs !== undefined) draft.setTimer(`deadline:${path}`, step.deadlineMs);
  sendCommand(draft, step, path, frame.block.current);
  return "waits";
}

function enterWait(draft: Draft, frame: Frame, step: WaitStep, path: string): Entered {
  frame.block.current = { kind: "wait" };
  draft.step({ path, status: "waiting", started: true });
  if (takeSignal(draft, step, path)) return "next";
  if (step.deadlineMs !== undefined) draft.setTimer(`deadline:${path}`, step.deadlineMs);
  return "waits";
}

/** Takes the oldest unread signal that the wait wants. @throws ExpressionFault from `output`. */
export function takeSignal(draft: Draft, step: WaitStep, path: string): boolean {
  const index = draft.state.mailbox.findIndex(
    (mail) => mail.signal === step.signal && contractFault(step, path, mail.payload) === undefined,
  );
  const mail = draft.state.mailbox[index];
  if (mail === undefined) return false;
  const output = step.output === undefined ? mail.payload : draft.render(step.output, { result: mail.payload });
  draft.state.mailbox.splice(index, 1);
  draft.took(mail.messageId, path);
  draft.clearTimers(path);
  record(draft, step, path, output);
  return true;
}

/** Keeps a step's output where later steps read it. */
export function record(draft: Draft, step: Step, path: string, output: Json): void {
  if (step.name !== undefined) draft.state.outputs[step.name] = output;
  draft.step({ path, status: "succeeded", output, finished: true });
}

function enterChoose(draft: Draft, frame: Frame, step: ChooseStep, path: string): Entered {
  const branch = chosen(draft, frame, step);
  if (branch !== undefined) return open(frame, branch);
  const failure: Failure = {
    code: "no_choice",
    message: "no case matches and there is no else",
    step: path,
    kind: "fail",
  };
  return failForward(draft, frame, path, failure);
}

function chosen(draft: Draft, frame: Frame, step: ChooseStep): string | undefined {
  const subject = step.subject === undefined ? undefined : draft.evaluate(step.subject, scopeOf(frame));
  const branch = step.branches.find((candidate) =>
    candidate.when === undefined
      ? subject !== undefined && sameJson(subject, candidate.equals)
      : draft.evaluate(candidate.when, scopeOf(frame)) === true,
  );
  return branch?.id ?? (step.else === undefined ? undefined : "else");
}

/** Cases are written as text in the YAML; `true`, `3` and `"3"` name the same case. */
function sameJson(subject: Json, equals: Json | undefined): boolean {
  return subject === equals || (typeof subject !== "object" && String(subject) === String(equals));
}

function enterFail(draft: Draft, frame: Frame, step: FailStep, path: string): "waits" {
  const rendered = step.message === undefined ? step.code : draft.render(step.message, scopeOf(frame));
  const message = (typeof rendered === "string" ? rendered : JSON.stringify(rendered))
    .slice(0, FAIL_MESSAGE_MAX)
    .toWellFormed();
  return failForward(draft, frame, path, { code: step.code, message, step: path, kind: "fail" });
}

/** A failure that no step's `catch` stands around: backward, or past the pivot a person. */
function failForward(draft: Draft, frame: Frame, path: string, failure: Failure): "waits" {
  if (draft.state.pivotPassed) {
    frame.block.current = { kind: "fault", failure };
    park(draft, path, failure);
  } else goBackward(draft, failure);
  return "waits";
}

function scopeOf(frame: Frame): Scope {
  return frame.error === undefined ? {} : { error: errorOf(frame.error) };
}

function complete(draft: Draft, frame: Frame): void {
  const { state, definition } = draft;
  try {
    const output = definition.output === undefined ? undefined : draft.render(definition.output);
    draft.mustFit({ output: output ?? null }, "the output of the saga");
    if (output !== undefined) state.output = output;
  } catch (error) {
    const failure = faultOf(error, "output");
    frame.block.current = { kind: "fault", failure };
    return park(draft, "output", failure);
  }
  state.status = "completed";
  state.stack = [];
  state.timers = {};
  draft.send({ topic: "timeline", type: "saga.completed", body: { output: state.output ?? null } });
}

/** What a result breaks of the step's declared `returns`, as a fault; undefined when it fits. */
export function contractFault(step: CommandStep | WaitStep, path: string, result: Json): Failure | undefined {
  const problem = step.returns === undefined ? undefined : violations(step.returns, result)[0];
  if (problem === undefined) return undefined;
  const message = `the result does not fit returns: ${problem.path === "" ? "it" : problem.path} ${problem.message}`;
  return { code: "step.contract", message, step: path, kind: "fault", line: step.at.line, column: step.at.column };
}
