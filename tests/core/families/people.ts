import type { SagaEvent } from "../../../engine/core/event.ts";
import { allSteps } from "../../../engine/core/path.ts";
import { isFinal } from "../../../engine/core/state.ts";
import { type Family, type Member, parkedRows } from "./family.ts";
import { apply } from "./transitions.ts";

/** What a person may do to a saga; `redeliver` hands a command that is in error out again. */
type Verb = "cancel" | "signal" | "retry" | "retryOne" | "skip" | "resolve" | "terminate" | "edit" | "redeliver";

/** A person does something, sensible or not: the engine answers 409 where it is not. */
export function intervene(family: Family, member: Member): void {
  const { random } = family;
  if (member.sequence === 0) return;
  const verb = random.weighted(likely(member));
  const parked = parkedRows(member);
  const known = [...allSteps(member.definition).keys()].map((path) => path.replaceAll("[]", "[0]"));
  const step = parked.length > 0 && random.chance(0.85) ? random.pick(parked) : random.pick(known);
  family.tell(`a person: ${verb} ${member.id}`);
  switch (verb) {
    case "redeliver":
      return redeliver(family, member);
    case "edit":
      return edit(family, member);
    case "signal":
      return signal(family, member, random.pick(["go", "stop"]), random.below(6));
    default:
      return ask(family, member, verb, request(family, verb, step));
  }
}

function likely({ state }: Member): Record<Verb, number> {
  const open = !isFinal(state.status);
  const parked = state.parked !== undefined;
  return {
    cancel: open ? 4 : 0,
    signal: open ? 8 : 0,
    retry: parked ? 6 : 0.3,
    retryOne: parked ? 6 : 0.3,
    skip: parked ? 8 : 0.5,
    resolve: parked ? 8 : 0.5,
    terminate: open || parked ? 2 : 0,
    edit: open || state.reversal === "running" ? (parked ? 8 : 4) : 0,
    redeliver: 5,
  };
}

function request({ random }: Family, verb: Exclude<Verb, "redeliver" | "edit" | "signal">, step: string): SagaEvent {
  switch (verb) {
    case "cancel":
      return { type: "cancel.requested", reason: "asked" };
    case "retry":
      return { type: "retry.requested" };
    case "retryOne":
      return { type: "retry.requested", step };
    case "skip":
      return { type: "skip.requested", step, reason: "asked" };
    case "resolve":
      return { type: "resolve.requested", step, result: random.chance(0.85) ? { at: "hand", number: 4 } : { at: 7 } };
    case "terminate":
      return { type: "terminate.requested", reason: "asked" };
  }
}

function ask(family: Family, member: Member, verb: string, event: SagaEvent): void {
  family.count(`${verb}: ${apply(family, member, event)}`);
}

/** A signal comes; a saga that is over refuses it. */
export function signal(family: Family, member: Member, name: string, number: number): void {
  member.signals += 1;
  const event = { type: "signal.received", messageId: `m${family.move}`, signal: name, payload: { number } } as const;
  const outcome = apply(family, member, event);
  family.count(`signal: ${outcome}`);
  if (outcome !== "transition") member.signals -= 1;
}

function redeliver(family: Family, { id }: Member): void {
  const inError = family.commands.filter(({ saga, consumed }) => saga === id && consumed === "error");
  if (inError.length === 0) return;
  family.random.pick(inError).consumed = "new";
  family.count("redelivered");
}

/** As the API does: only what has not run and is not being run. */
function edit(family: Family, member: Member): void {
  const own = family.commands.filter(({ saga, isNotification }) => saga === member.id && !isNotification);
  if (own.length === 0) return;
  const stuck = own.filter(({ path }) => member.rows[path] === "parked");
  const { key, kind, path } = family.random.pick(stuck.length > 0 && family.random.chance(0.7) ? stuck : own);
  if (own.some((one) => one.key === key && one.kind === kind && one.consumed === "open")) return;
  const state = family.guards[key]?.state ?? "";
  const hasNotRun = kind === "step" ? state === "" : ["done", "unknown", "compensating"].includes(state);
  if (!hasNotRun) return;
  const input = { value: `edited ${family.move}` };
  const event = {
    type: "edit.requested",
    path,
    compensation: kind === "compensation",
    input,
    supersedes: "m",
  } as const;
  ask(family, member, "edit", event);
}

/** Once all is well again, a person tries each parked place again, and gives it up at last. */
export function help(family: Family, member: Member, round: number): void {
  for (const step of parkedRows(member)) {
    const verb = round < 3 ? "retryOne" : family.random.pick(["retryOne", "skip", "resolve"] as const);
    family.tell(`a person helps: ${verb} ${member.id} ${step}`);
    const result = { at: "hand", number: 4 };
    const event: SagaEvent =
      verb === "resolve" ? { type: "resolve.requested", step, result } : request(family, verb, step);
    ask(family, member, `help ${verb}`, event);
  }
}
