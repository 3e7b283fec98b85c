import * as v from "valibot";
import { catalogOf } from "../../engine/definition/catalog.ts";
import { TimeOver } from "../../engine/participant/call.ts";
import {
  type Domain,
  FatalError,
  NotSentError,
  type Outcome,
  rejected,
  type StepContext,
  succeeded,
  type Tx,
} from "../../engine/sdk.ts";
import { Random, seedFor } from "./random.ts";

/** How a step's handler is in this run: what its first calls end with. Later ones, and all once faults have stopped, succeed. */
export type Character = "well" | "refused" | "busy" | "failing" | "fatal" | "slow" | "late" | "threw" | "not-sent";

const COMMANDS: Readonly<Record<"shop" | "bank" | "post", Readonly<Record<Character, number>>>> = {
  shop: { well: 60, refused: 12, busy: 5, failing: 9, fatal: 4, slow: 6, late: 4, threw: 0, "not-sent": 0 },
  bank: { well: 45, refused: 10, busy: 3, failing: 0, fatal: 3, slow: 8, late: 8, threw: 15, "not-sent": 8 },
  post: { well: 80, refused: 0, busy: 0, failing: 15, fatal: 0, slow: 5, late: 0, threw: 0, "not-sent": 0 },
};
const COMPENSATIONS: Readonly<Record<Character, number>> = {
  well: 72,
  refused: 2,
  busy: 0,
  failing: 16,
  fatal: 4,
  slow: 4,
  late: 2,
  threw: 0,
  "not-sent": 0,
};

/** What handlers touch outside of the engine. */
export interface Outside {
  readonly seed: number;
  /** Characters that a test wants, by path; `path#compensate` for a compensation. */
  readonly characters: Readonly<Record<string, Character>>;
  /** True once faults have stopped. */
  healed(): boolean;
  /** The virtual clock; never resolves for a process that dies. */
  sleep(ms: number): Promise<void>;
  /** An external effect; a compensation makes a call that arrives after it void. */
  happen(stepKey: string, kind: "did" | "undone"): void;
  /** What is on its way outside arrives whatever becomes of the process that has sent it. */
  later(ms: number, happen: () => void): void;
  /** Steps that the other side has refused for good. */
  readonly refused: Set<string>;
  hasDone(stepKey: string): boolean;
  /** Which call of a handler for a step this is: a message that comes again is another call of the same attempt. */
  callOf(idempotencyKey: string): number;
  /** Notes that a call has ended in a way. */
  note(context: StepContext, character: Character): void;
}

const PARTS = { input: v.any(), output: v.any() };
/** Whatever a handler is like, its later calls do well. */
const CALLS_MAX = 5;
const LATE_MS = 25_000;
const SLOW_MS = 4_000;

/** Domains whose handlers do as the seed says. MODEL of a business: they write one row, or make one call. */
export function domainsOf(outside: Outside): readonly Domain[] {
  const inside = { ...PARTS, run: transactional(outside) };
  const called = { ...PARTS, external: true, run: external(outside) };
  return [
    { name: "shop", steps: { buy: inside, give_back: inside }, projections: {} },
    { name: "bank", steps: { pay: called, pay_back: called }, projections: {} },
    { name: "post", steps: { mail: inside, refund: inside }, projections: {} },
  ] as unknown as readonly Domain[];
}

/** What the domains offer, for the checks and for the participants. Schemas let everything through. */
export const catalog = catalogOf(domainsOf({} as Outside));

/** Topics on which a compensation travels are those of its step, so the actions that undo have none. */
export function groupOf(topic: string): string {
  return topic === "timeline" ? "dispatcher" : topic.slice(0, topic.indexOf("."));
}

function characterOf(outside: Outside, context: StepContext, domain: keyof typeof COMMANDS): Character {
  const { seed, characters } = outside;
  const call = outside.callOf(context.idempotencyKey);
  if (outside.healed() || call > CALLS_MAX) return "well";
  const path = context.idempotencyKey.slice(context.idempotencyKey.indexOf("/") + 1);
  const wanted = characters[path];
  if (wanted !== undefined) return wanted;
  const random = new Random(seedFor(seed, path));
  random.next();
  return fading(random.weighted(context.compensates === undefined ? COMMANDS[domain] : COMPENSATIONS), call, random);
}

/** A refusal stays; anything else passes after one to three calls. */
function fading(character: Character, call: number, random: Random): Character {
  const calls = 1 + random.below(3);
  return character === "refused" || call <= calls ? character : "well";
}

function transactional(outside: Outside) {
  return async (tx: Tx, _input: unknown, context: StepContext): Promise<Outcome<unknown>> => {
    const kind = context.compensates === undefined ? "did" : "undone";
    const domain = context.stepKey.includes("/compensate/") ? "post" : "shop";
    const character = characterOf(outside, context, domain);
    outside.note(context, character);
    if (character === "refused" || character === "busy") return rejected(character, "no");
    if (character === "slow") await outside.sleep(SLOW_MS);
    await tx`insert into effect (step_key, kind) values (${context.stepKey}, ${kind})`;
    if (character === "failing") throw new Error("broken");
    if (character === "fatal") throw new FatalError("broken for good");
    if (character === "late") {
      await outside.sleep(LATE_MS);
      throw new TimeOver("timeout", LATE_MS);
    }
    return succeeded({ at: context.now.toISOString() });
  };
}

/**
 * An external call: it takes time, takes effect at some moment of it, and its end may never be seen. The other side knows
 * the step key: a second call changes nothing, one after its compensation is void, what it has refused stays refused.
 */
function external(outside: Outside) {
  return async (_input: unknown, context: StepContext): Promise<Outcome<unknown>> => {
    const { stepKey } = context;
    const kind = context.compensates === undefined ? "did" : "undone";
    const character = characterOf(outside, context, "bank");
    outside.note(context, character);
    await outside.sleep(character === "slow" ? SLOW_MS : 5);
    if (character === "not-sent") throw new NotSentError("nobody was reached");
    // People have seen to what was refused.
    if (outside.healed()) outside.refused.delete(stepKey);
    const refuses = character === "refused" || character === "busy";
    if (kind === "did" && !outside.hasDone(stepKey) && (refuses || outside.refused.has(stepKey))) {
      if (character !== "busy") outside.refused.add(stepKey);
      return rejected(character === "busy" ? "busy" : "refused", "no");
    }
    if (character === "fatal") throw new FatalError("broken for good");
    if (character === "failing") throw new Error("broken before it took effect");
    if (character === "late" && kind === "did") outside.later(LATE_MS + SLOW_MS, () => outside.happen(stepKey, kind));
    else outside.happen(stepKey, kind);
    await outside.sleep(5);
    if (character === "threw") throw new Error("the answer was lost");
    if (character === "late") {
      await outside.sleep(LATE_MS);
      throw new TimeOver("timeout", LATE_MS);
    }
    return succeeded({ at: context.now.toISOString() });
  };
}
