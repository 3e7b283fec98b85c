import type { SagaEvent } from "../../../engine/core/event.ts";
import { type Command, type Guard, KID, type Model, type Outcome, type World } from "./world.ts";

/** One thing that may happen next. */
export interface Move {
  readonly story: string;
  readonly world: World;
  /** It needs no fault: with such moves alone every saga must come to an end. */
  readonly healthy: boolean;
}

const SUCCEEDED: readonly Outcome[] = [{ end: "succeeded" }];

/** All that participants may do now: take the next command of a step, end an external call, take one in error again. */
export function participantMoves(model: Model, world: World): Move[] {
  const seen = new Set<string>();
  return world.commands.flatMap((command, index) => {
    const { path } = command;
    if (command.calling) {
      seen.add(path);
      return callEnds(model, world, index);
    }
    if (command.consumed === "error") return world.left.duplicates > 0 ? redelivered(model, world, index) : [];
    if (seen.has(path)) return [];
    seen.add(path);
    return delivered(model, world, index, "");
  });
}

/** Whether a participant may hold the step's lock at this moment. */
export function mayRun(world: World, path: string): boolean {
  return world.commands.some(
    (command) => command.path === path && (command.consumed !== "error" || world.left.duplicates > 0),
  );
}

function redelivered(model: Model, world: World, index: number): Move[] {
  const left = { ...world.left, duplicates: world.left.duplicates - 1 };
  return delivered(model, { ...world, left }, index, "again: ").map((move) => ({ ...move, healthy: false }));
}

function delivered(model: Model, world: World, index: number, prefix: string): Move[] {
  const command = world.commands[index] as Command;
  const guard = model.faults.noGuard ? undefined : world.guards[command.path];
  const verdict = command.kind === "step" ? stepVerdict(guard) : compensationVerdict(guard);
  const what = `${prefix}${nameOf(command)}`;
  if (verdict === "run") {
    const calls = model.external.has(command.path) && command.kind === "step";
    return calls ? [call(model, world, index, what)] : run(model, world, index, what);
  }
  const consumed = without(world, index);
  if (verdict === "refused")
    return [{ story: `${what} is refused: the guard says ${guard?.state}`, world: consumed, healthy: true }];
  if (model.faults.skipWithoutAnswer && verdict.type.startsWith("step")) {
    return [{ story: `${what} is skipped without an answer`, world: consumed, healthy: true }];
  }
  const event = { ...verdict, path: command.path, attempt: command.attempt } as SagaEvent;
  const guards =
    guard === undefined ? { ...world.guards, [command.path]: { state: "blocked" as const } } : world.guards;
  return [{ story: `${what} is answered: ${event.type}`, world: said({ ...consumed, guards }, event), healthy: true }];
}

/** What a claim says by the guard alone: run, refuse, or answer again. */
export type Verdict =
  | "run"
  | "refused"
  | { readonly type: string; readonly output?: unknown; readonly code?: string; readonly message?: string };

export function stepVerdict(guard: Pick<Guard, "state" | "code"> | undefined): Verdict {
  if (guard === undefined || guard.state === "started") return "run";
  if (guard.state === "done") return { type: "step.succeeded", output: {} };
  if (guard.state === "rejected") return { type: "step.rejected", code: guard.code ?? "", message: "" };
  return "refused";
}

export function compensationVerdict(guard: Pick<Guard, "state" | "code"> | undefined): Verdict {
  switch (guard?.state) {
    case undefined:
    case "blocked":
    case "closed":
    case "rejected":
      return { type: "compensation.skipped" };
    case "compensated":
      return { type: "compensation.succeeded" };
    case "done":
    case "unknown":
    case "compensating":
      return "run";
    default:
      return "refused";
  }
}

/** A transactional handler: guard, effect and answer are one commit; a crash before it changes nothing. */
function run(model: Model, world: World, index: number, what: string): Move[] {
  const command = world.commands[index] as Command;
  const table = command.kind === "step" ? model.outcomes : model.compensations;
  return (table[command.path] ?? SUCCEEDED).map((outcome) => ({
    story: `${what} ${storyOf(outcome)}`,
    world: ended(world, index, outcome),
    healthy: outcome.end === "succeeded",
  }));
}

function ended(world: World, index: number, outcome: Outcome): World {
  const { path, attempt, kind } = world.commands[index] as Command;
  const at = { path, attempt };
  switch (outcome.end) {
    case "succeeded": {
      const done = without(world, index);
      if (kind === "compensation") {
        const undone = [...done.undone, path];
        return said(guarded({ ...done, undone }, path, { state: "compensated" }), {
          type: "compensation.succeeded",
          ...at,
        });
      }
      return said(guarded({ ...done, did: [...done.did, path] }, path, { state: "done" }), {
        type: "step.succeeded",
        ...at,
        output: {},
      });
    }
    case "rejected": {
      const done = guarded(without(world, index), path, { state: "rejected", code: outcome.code });
      return said(done, { type: "step.rejected", ...at, code: outcome.code, message: "" });
    }
    default:
      return said(inError(world, index), failed(kind, at, outcome));
  }
}

function failed(kind: Command["kind"], at: { path: string; attempt: number }, outcome: Outcome): SagaEvent {
  const code = outcome.end === "failed" ? outcome.code : outcome.end === "not-sent" ? "not_sent" : "exception";
  const retryable = outcome.end !== "failed" || outcome.retryable;
  const body = { ...at, code, message: "", retryable };
  const unknown = outcome.end === "threw" || outcome.end === "threw-after-effect";
  return kind === "step" ? { type: "step.failed", ...body, unknown } : { type: "compensation.failed", ...body };
}

/** An external call: claim and `started` are committed, then the call runs while everything else goes on. */
function call(model: Model, world: World, index: number, what: string): Move {
  const command = world.commands[index] as Command;
  const claimed = replace(world, index, { ...command, consumed: "open", calling: true });
  // A call over an earlier `started` did not write it, and may not take it back either: the first may have arrived.
  const first = world.guards[command.path] === undefined || model.faults.startedOverwritten;
  const guard: Guard = first ? { state: "started", by: command.attempt } : { state: "started" };
  return { story: `${what} is called`, world: guarded(claimed, command.path, guard), healthy: true };
}

function callEnds(model: Model, world: World, index: number): Move[] {
  const command = world.commands[index] as Command;
  const outcomes = model.outcomes[command.path] ?? SUCCEEDED;
  const possible = outcomes.filter((outcome) => isConsistent(world, command.path, outcome));
  const ends = possible.map((outcome) => ({
    story: `the call of ${nameOf(command)} ${storyOf(outcome)}`,
    world: callEnded(world, index, outcome),
    healthy: outcome.end === "succeeded",
  }));
  return [...ends, ...crashes(world, index)];
}

function callEnded(world: World, index: number, outcome: Outcome): World {
  const command = world.commands[index] as Command;
  const { path } = command;
  const guard = world.guards[path];
  const effect = outcome.end === "succeeded" || outcome.end === "threw-after-effect" ? external(world, path) : world;
  if (outcome.end === "succeeded" || outcome.end === "rejected") {
    const said = ended({ ...world, did: [] }, index, outcome);
    // Only `started` moves: what was given up meanwhile stays given up.
    const guards = guard?.state === "started" ? said.guards : world.guards;
    return { ...said, did: effect.did, guards };
  }
  const noted = ended(effect, index, outcome);
  if (outcome.end !== "not-sent" || guard?.state !== "started" || guard.by !== command.attempt) return noted;
  const { [path]: _taken, ...guards } = noted.guards;
  return { ...noted, guards };
}

/** The other side knows the step key: what it has done it does not refuse later, and what it refused it does not do. */
function isConsistent(world: World, path: string, { end }: Outcome): boolean {
  if (end === "rejected") return !world.did.includes(path);
  return world.guards[path]?.state !== "rejected" || (end !== "succeeded" && end !== "threw-after-effect");
}

/** The process dies during the call: nobody answers, the message comes again. */
function crashes(world: World, index: number): Move[] {
  if (world.left.crashes === 0) return [];
  const { calling: _calling, ...command } = world.commands[index] as Command;
  const left = { ...world.left, crashes: world.left.crashes - 1 };
  const cut = replace({ ...world, left }, index, command);
  const story = `the process dies in the call of ${nameOf(command)}`;
  return [
    { story: `${story}, before its effect`, world: cut, healthy: false },
    { story: `${story}, after its effect`, world: external(cut, command.path), healthy: false },
  ];
}

/** The other side knows the step key: a second call changes nothing, and one after the compensation is void. */
function external(world: World, path: string): World {
  const over = world.guards[path]?.state === "rejected" || world.did.includes(path) || world.undone.includes(path);
  return over ? world : { ...world, did: [...world.did, path] };
}

function said(world: World, event: SagaEvent): World {
  if ("path" in event && event.path.startsWith(KID)) {
    const own = { ...event, path: event.path.slice(KID.length) };
    return { ...world, child: { ...world.child, events: [...world.child.events, own] } };
  }
  return { ...world, events: [...world.events, event] };
}

function guarded(world: World, path: string, guard: Guard): World {
  return { ...world, guards: { ...world.guards, [path]: guard } };
}

function without(world: World, index: number): World {
  return { ...world, commands: world.commands.filter((_command, at) => at !== index) };
}

function replace(world: World, index: number, command: Command): World {
  return { ...world, commands: world.commands.map((one, at) => (at === index ? command : one)) };
}

function inError(world: World, index: number): World {
  const { calling: _calling, ...command } = world.commands[index] as Command;
  // Once nothing is delivered twice any more, a message in error is as good as done.
  if (world.left.duplicates === 0) return without(world, index);
  return replace(world, index, { ...command, consumed: "error" });
}

function nameOf(command: Command): string {
  return `${command.kind === "step" ? "command" : "compensation"} ${command.path} #${command.attempt}`;
}

function storyOf(outcome: Outcome): string {
  if (outcome.end === "rejected" || outcome.end === "failed") return `${outcome.end} with ${outcome.code}`;
  return outcome.end;
}
