import type { decide } from "../../../engine/core/decide.ts";
import type { Definition } from "../../../engine/core/definition.ts";
import type { SagaEvent } from "../../../engine/core/event.ts";
import { isFinal } from "../../../engine/core/state.ts";
import { loadDefinition } from "../../../engine/definition/load.ts";
import { randomSources, type Sources } from "../../simulation/definition-source.ts";
import { catalog } from "../../simulation/handlers.ts";
import { compile } from "../../simulation/machine.ts";
import { Random, seedFor } from "../../simulation/random.ts";
import { decideTwice } from "../twin.ts";
import { atEnd, atRest } from "./end-laws.ts";
import { Broken, Family, type Member } from "./family.ts";
import { isOver } from "./laws.ts";
import { arrive, deliver, endCall, nextEvent } from "./participants.ts";
import { help, intervene, signal } from "./people.ts";
import { apply } from "./transitions.ts";

/** Compiling costs as much as several plays: this many seeds in a row share their definitions, and nothing else. */
const SHARED = 6;
/** Nothing here needs nearly as many; a family that does more never comes to rest. */
const MOVES_MAX = 5_000;
const ROUNDS_MAX = 60;

/** What one seed is made of. `moves`: a seed for each move before everything heals; any of them can be left out. */
interface Plan {
  readonly seed: number;
  readonly definitions: ReadonlyMap<string, Definition>;
  readonly decides: typeof decide;
  /** Share of the moves in which a person does something. */
  readonly people: number;
  /** Share of the moves in which a timer is quicker than everything else. */
  readonly hurry: number;
  readonly moves: readonly number[];
}

/** How one seed ended. */
export interface Played {
  readonly violation?: string;
  readonly family: Family;
}

interface Compiled {
  readonly sources: Sources;
  readonly definitions: ReadonlyMap<string, Definition>;
  readonly isValid: boolean;
}

let latest: { readonly seed: number; readonly compiled: Compiled } | undefined;

/** The sagas of a seed. Some that are generated break a check: those are not played. */
function compiledFor(seed: number): Compiled {
  const shared = Math.floor(seed / SHARED);
  if (latest?.seed === shared) return latest.compiled;
  const wide = shared % 2 === 0 ? { depth: 3, children: 40 } : { depth: 2, children: 10 };
  const sources = randomSources(new Random(seedFor(shared, "family")), wide);
  const definitions = compile(sources);
  const isValid = [...sources.byName.values()].every((source) =>
    loadDefinition(source, { catalog, definitions }).diagnostics.every(({ severity }) => severity !== "error"),
  );
  latest = { seed: shared, compiled: { sources, definitions, isValid } };
  return latest.compiled;
}

function planOf(seed: number, decides: typeof decide): Plan | undefined {
  const { definitions, isValid } = compiledFor(seed);
  if (!isValid) return undefined;
  const random = new Random(seedFor(seed, "plan"));
  const people = seed % 3 === 0 ? 0 : random.pick([0.02, 0.06, 0.12]);
  const hurry = random.pick([0, 0.03, 0.1]);
  const moves = Array.from({ length: 40 + random.below(160) }, (_move, index) => index);
  return { seed, definitions, decides, people, hurry, moves };
}

/** Plays one seed; undefined: its definitions break a check. */
export function playSeed(seed: number, decides: typeof decide = decideTwice): Played | undefined {
  const plan = planOf(seed, decides);
  return plan === undefined ? undefined : play(plan);
}

function play(plan: Plan): Played {
  const { seed, definitions, decides } = plan;
  const random = new Random(seedFor(seed, "input"));
  const list = Array.from({ length: random.below(4) }, (_item, index) => index);
  const family = new Family(definitions, decides, random, { list, choice: random.pick(["one", "two"]) });
  family.luck = random.pick([0.3, 1, 1, 4]);
  try {
    for (const move of plan.moves) {
      family.move = move;
      // Each move draws its own numbers: the others stay as they are when one is left out.
      family.random = new Random(seedFor(seed, `move ${move}`));
      makeMove(family, plan);
    }
    heal(family, seed);
    return { family };
  } catch (error) {
    if (error instanceof Broken) return { violation: error.message, family };
    return { violation: `Thrown: ${String((error as Error).stack)}`, family };
  }
}

function makeMove(family: Family, { people, hurry }: Plan): void {
  const { random } = family;
  const members = [...family.members.values()];
  if (random.chance(people)) return intervene(family, random.pick(members));
  if (random.chance(hurry) && fireTimer(family)) return;
  if (random.chance(0.01)) return fireOldTimer(family);
  const moves = possibleMoves(family);
  if (moves.length > 0) {
    random.pick(moves)();
    family.now += random.pick([0, 1, 5, 300]);
  } else if (!fireTimer(family) && people > 0) {
    const open = members.filter(({ state }) => !isOver(state) || state.parked !== undefined);
    if (open.length > 0) intervene(family, random.pick(open));
    else if (random.chance(0.1)) intervene(family, random.pick(members));
  }
}

/** Everything that is under way. */
function possibleMoves(family: Family): (() => void)[] {
  const moves: (() => void)[] = [];
  for (const member of family.members.values())
    if (member.inbox.length > 0) moves.push(() => hear(family, member, nextEvent(family, member)));
  return [...moves, ...commandMoves(family), ...family.late.map((command) => () => arrive(family, command))];
}

/** One command of a step is run at a time: in the order of sending, unless one was handed out again behind later ones. */
function commandMoves(family: Family): (() => void)[] {
  const open = family.commands.filter(({ consumed }) => consumed === "open");
  const taken = new Set(open.map(({ key }) => key));
  const waiting = family.commands.filter(({ consumed, key }) => consumed === "new" && !taken.has(key));
  const isInOrder = family.isHealed || family.random.chance(0.9);
  const next = waiting.filter(({ key }) => {
    const isFirst = !taken.has(key);
    taken.add(key);
    return isFirst || !isInOrder;
  });
  return [
    ...open.map((command) => () => endCall(family, command)),
    ...next.map((command) => () => deliver(family, command)),
  ];
}

function hear(family: Family, member: Member, event: SagaEvent): void {
  if (member.sequence === 0 && event.type !== "saga.started") {
    family.broken(`Start: ${event.type} reaches ${member.id} before its start`);
  }
  apply(family, member, event);
}

/** Fires the timer that is due first, and lets the time pass until then. False: there is none. */
function fireTimer(family: Family): boolean {
  const due = [...family.members.values()].flatMap((member) =>
    Object.entries(member.state.timers)
      .map(([timer, dueAt]) => ({ member, timer, dueAt, text: `${member.id} ${timer} ${dueAt}` }))
      .filter(({ text }) => !family.spent.has(text)),
  );
  const [first] = due.toSorted((one, other) => Date.parse(one.dueAt) - Date.parse(other.dueAt));
  if (first === undefined) return false;
  const { member, timer, dueAt, text } = first;
  family.now = Math.max(family.now, Date.parse(dueAt));
  if (apply(family, member, { type: "timer.fired", timer, dueAt }) !== "transition") family.spent.add(text);
  return true;
}

/** A timer that was cleared, or set anew since, is fired all the same: it moves nothing. */
function fireOldTimer(family: Family): void {
  const old = family.timersSet.filter(({ member, timer, dueAt }) => member.state.timers[timer] !== dueAt);
  if (old.length === 0) return;
  const { member, timer, dueAt } = family.random.pick(old);
  const outcome = apply(family, member, { type: "timer.fired", timer, dueAt });
  family.count(`old timer: ${outcome}`);
  if (outcome === "transition") family.broken(`I13: ${member.id} hears its old timer ${timer}`);
}

/** Nothing breaks any more: everything comes to rest, people help where it is parked, and it ends. */
function heal(family: Family, seed: number): void {
  family.isHealed = true;
  family.random = new Random(seedFor(seed, "healed"));
  family.tell("everything is well from here on");
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    comeToRest(family);
    atRest(family);
    const parked = [...family.members.values()].filter(({ state }) => state.parked !== undefined);
    if (parked.length === 0) break;
    for (const member of parked) help(family, member, round);
  }
  atEnd(family);
}

function comeToRest(family: Family): void {
  const { random } = family;
  for (let count = 0; count < MOVES_MAX; count += 1) {
    family.move += 1;
    const moves = possibleMoves(family);
    const waits = [...family.members.values()].find(
      ({ state }) => !isFinal(state.status) && state.waitingFor.length > 0,
    );
    if (moves.length > 0) random.pick(moves)();
    else if (waits !== undefined && !(random.chance(0.5) && fireTimer(family))) {
      signal(family, waits, waits.state.waitingFor[0]?.signal ?? "", 5);
    } else if (waits === undefined && !fireTimer(family)) return;
  }
  family.broken("Liveness: the family never comes to rest");
}

/** `S19` of `S19: failed, and …`. */
function ruleOf(violation: string): string {
  return violation.slice(0, violation.indexOf(":"));
}

/** All about a seed, for a person: its definitions, and the shortest story found that breaks the same rule. */
export function tellSeed(seed: number, decides: typeof decide = decideTwice): string {
  const plan = planOf(seed, decides);
  if (plan === undefined) return `seed ${seed}: its definitions break a check, and it is not played`;
  const first = play(plan);
  const { violation, family } = first.violation === undefined ? first : play(shortest(plan, first.violation));
  const sources = [...compiledFor(seed).sources.byName.values()];
  return [
    `seed ${seed}: ${violation ?? "nothing is broken"}`,
    ...sources.map((source) => Bun.YAML.stringify(JSON.parse(source), null, 2)),
    ...family.story,
    `again: bun run families -- --seed ${seed}`,
  ].join("\n");
}

/** Leaves moves out, in ever smaller parts, as long as the same rule is broken without them. */
function shortest(plan: Plan, violation: string): Plan {
  let { moves } = plan;
  for (let size = Math.ceil(moves.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = moves.length - size; at >= 0; at -= size) {
      const fewer = [...moves.slice(0, at), ...moves.slice(at + size)];
      const played = play({ ...plan, moves: fewer });
      if (played.violation !== undefined && ruleOf(played.violation) === ruleOf(violation)) moves = fewer;
    }
  }
  return { ...plan, moves };
}
