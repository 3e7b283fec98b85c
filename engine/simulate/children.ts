import type { Outgoing } from "../core/decision.ts";
import type { ChildEnded } from "../core/event.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import type { Letter, Reply } from "./letter.ts";
import type { Outcome } from "./plan.ts";

/** A child saga as its parent knows it. */
interface Child {
  readonly id: string;
  readonly path: string;
  readonly attempt: number;
  ended: boolean;
}

type OutcomeOf = (path: string, undo: boolean, attempt: number) => Outcome;

/**
 * The child sagas of a simulated saga. They are not run: how one ends is planned like the outcome of a step, and what it
 * gives is made up from the step's `returns`.
 */
export class Children {
  readonly #byId = new Map<string, Child>();
  readonly #outcomeOf: OutcomeOf;
  readonly #outputOf: (path: string, given: Json | undefined) => Json;

  constructor(outcomeOf: OutcomeOf, outputOf: (path: string, given: Json | undefined) => Json) {
    this.#outcomeOf = outcomeOf;
    this.#outputOf = outputOf;
  }

  /** Takes a message to a child; undefined when nothing comes of it that could be told. */
  send(message: Outgoing, to: string, nowMs: number): Letter | undefined {
    if (message.type === "child.requested") return this.#begin(message, to, nowMs);
    const child = this.#byId.get(to);
    if (child === undefined || message.type === "child.released") return undefined;
    const undo = message.type === "compensate.requested";
    const outcome = undo ? this.#outcomeOf(child.path, true, 1) : ({ end: "succeeded" } as const);
    return letterTo(child, message, outcome, nowMs, undo);
  }

  deliver({ message, outcome }: Letter): Reply {
    const child = this.#byId.get(message.to ?? "");
    if (child === undefined) return { text: "no such child" };
    const { path } = child;
    if (message.type === "compensate.requested")
      return { event: { type: "child.compensated", path, uncompensated: outcome.end !== "succeeded" }, text: "undone" };
    if (child.ended) return { text: "has ended already" };
    child.ended = true;
    if (message.type === "cancel.requested")
      return { event: endedWith(child, "cancelled", "cancelled", null), text: "cancelled" };
    if (outcome.end === "succeeded")
      return { event: endedWith(child, "completed", "", this.#outputOf(path, outcome.output)), text: "completed" };
    const code = codeOf(outcome);
    return { event: endedWith(child, "failed", code, null), text: `failed (${code})` };
  }

  #begin(message: Outgoing, id: string, nowMs: number): Letter {
    const path = pathIn(message.body);
    const attempt = [...this.#byId.values()].filter((child) => child.path === path).length + 1;
    const child = { id, path, attempt, ended: false };
    this.#byId.set(id, child);
    return letterTo(child, message, this.#outcomeOf(path, false, attempt), nowMs, false);
  }
}

function letterTo(
  { path, attempt }: Child,
  message: Outgoing,
  outcome: Outcome,
  sentAtMs: number,
  undo: boolean,
): Letter {
  const letter = { message, path, attempt, undo, sentAtMs, outcome };
  return outcome.end === "silent" ? letter : { ...letter, arrivesAtMs: sentAtMs + (outcome.afterMs ?? 0) };
}

function endedWith(child: Child, status: ChildEnded["status"], code: string, output: Json): ChildEnded {
  const message = code === "" ? "" : `${status} in the simulation`;
  const facts = { path: child.path, child: child.id, status, code, message, output };
  return { type: "child.ended", ...facts, pivotPassed: false, uncompensated: false };
}

/** The step that asked for the child. */
function pathIn(body: Json): string {
  const parent = isJsonObject(body) ? body["parent"] : undefined;
  return isJsonObject(parent) ? String(parent["path"]) : "";
}

function codeOf(outcome: Outcome): string {
  return "code" in outcome ? outcome.code : outcome.end;
}
