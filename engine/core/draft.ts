import type { Definition, Expression, Step, Template } from "./definition.ts";
import type { Outgoing, StepChange, Transition } from "./decision.ts";
import { ExpressionFault, type Evaluator, type Scope } from "./evaluate.ts";
import type { GuardOutcome, Read } from "./event.ts";
import type { Json } from "./json.ts";
import { allSteps, branchPath, isInside, lanesAt, numberless } from "./path.ts";
import type { BlockState, Failure, ItemState, SagaFacts, SagaState } from "./state.ts";
import { BODY_MAX, storedBytes } from "./size.ts";
import { renderTemplate } from "./template.ts";
import { upgraded } from "./upgrade.ts";

/** Thrown inside a transition that must know a step's guard; `decide` turns it into `needs`. */
export class GuardNeeded extends Error {
  readonly path: string;
  readonly keepStarted: boolean;

  constructor(path: string, keepStarted: boolean) {
    super(`the guard of ${path} is needed`);
    this.path = path;
    this.keepStarted = keepStarted;
  }
}

/** What a transition works on: a private copy of the state, and what it will send. Nothing outside sees it half done. */
export class Draft {
  readonly definition: Definition;
  readonly facts: SagaFacts;
  readonly state: SagaState;
  readonly read: Read;
  readonly #evaluator: Evaluator;
  readonly #outgoing: Outgoing[] = [];
  readonly #steps = new Map<string, StepChange>();
  readonly #reopen: string[] = [];
  readonly #keep: string[] = [];
  readonly #taken: Record<string, string> = {};
  /** Blocks whose step in progress has just failed; the walk over the tree takes the failure outward. */
  readonly #failures = new Map<BlockState, Failure>();

  constructor(definition: Definition, facts: SagaFacts, state: SagaState, read: Read, evaluator: Evaluator) {
    this.definition = definition;
    this.facts = facts;
    this.state = workingCopy(upgraded(state));
    this.read = read;
    this.#evaluator = evaluator;
  }

  /**
   * `keepStarted`: the step is the pivot, whose unknown end is not written down: a retry must still be able to run it.
   * @throws GuardNeeded when the guard has not been settled for this transition.
   */
  guard(path: string, keepStarted = false): GuardOutcome {
    const outcome = this.read.guards[path];
    if (outcome === undefined) throw new GuardNeeded(path, keepStarted);
    return outcome;
  }

  send(message: Outgoing): void {
    this.#outgoing.push(message);
  }

  /** @throws MessageTooLarge when a body would not fit; to be asked before anything is changed. */
  mustFit(body: Json, what: string): void {
    const bytes = storedBytes(body);
    if (bytes > BODY_MAX) throw new MessageTooLarge(`${what} would be ${bytes} bytes, at most ${BODY_MAX} fit`);
  }

  /** Several changes of one step in one transition become one row; later fields win. */
  step(change: StepChange): void {
    this.#steps.set(change.path, { ...this.#steps.get(change.path), ...change });
  }

  reopen(path: string): void {
    this.#reopen.push(path);
  }

  keep(path: string): void {
    this.#keep.push(path);
  }

  took(messageId: string, path: string): void {
    this.#taken[messageId] = path;
  }

  setTimer(name: string, afterMs: number): void {
    this.state.timers[name] = new Date(Date.parse(this.read.now) + afterMs).toISOString();
  }

  clearTimers(path: string): void {
    for (const kind of ["retry", "deadline", "guard", "sleep"]) delete this.state.timers[`${kind}:${path}`];
  }

  /** The step in progress of a block is over without success: the failure goes outward. */
  fail(block: BlockState, failure: Failure): void {
    delete block.current;
    this.#failures.set(block, failure);
  }

  takeFailure(block: BlockState): Failure | undefined {
    const failure = this.#failures.get(block);
    this.#failures.delete(block);
    return failure;
  }

  /** Evaluates an expression that stands at a path. @throws ExpressionFault */
  evaluate(path: string, expression: Expression, more: Scope): Json {
    return this.#evaluator.evaluate(expression, { ...this.#scope(path), ...more });
  }

  /** @throws ExpressionFault */
  render(path: string, template: Template, more: Scope = {}): Json {
    return renderTemplate(template, { ...this.#scope(path), ...more }, this.#evaluator);
  }

  /** Keeps a step's output where later steps read it; inside an item it is the item's own. */
  keepOutput(step: Step, path: string, output: Json): void {
    const item = this.#innermostItem(path);
    if (step.name !== undefined) (item?.state.outputs ?? this.state.outputs)[step.name] = output;
    if (item !== undefined && item.steps.at(-1)?.id === step.id && path === `${item.branch}/${step.id}`) {
      item.state.result = output;
    }
  }

  keepVariable(path: string, name: string, value: Json): void {
    this.#varsAt(path)[name] = value;
  }

  /** Each variable is written once; inside an item it is the item's own. */
  hasVariable(path: string, name: string): boolean {
    return Object.hasOwn(this.#varsAt(path), name);
  }

  /**
   * What a block, or one branch of it, has kept is gone: nothing of it came about. `within`: the branch; the whole block
   * by default. Rows of finished steps still show it to people.
   */
  forget(block: string, within = block): void {
    const { outputs, vars = {} } = this.#innermostItem(block)?.state ?? this.state;
    const scope = numberless(within);
    for (const [path, step] of allSteps(this.definition)) {
      if (!isInside(path, scope)) continue;
      if (step.name !== undefined) delete outputs[step.name];
      if (step.kind === "set") for (const name of Object.keys(step.values)) delete vars[name];
    }
    const stays = ([path]: readonly [string, unknown]) => !isInside(path, within);
    const { items, lists } = this.state;
    if (items !== undefined) this.state.items = Object.fromEntries(Object.entries(items).filter(stays));
    if (lists !== undefined) this.state.lists = Object.fromEntries(Object.entries(lists).filter(stays));
  }

  /** Keeps the list that an `each` runs over. */
  keepList(path: string, items: readonly Json[]): void {
    this.state.lists = { ...this.state.lists, [path]: items };
  }

  listAt(path: string): readonly Json[] {
    return this.state.lists?.[path] ?? [];
  }

  /** What stands for the items of an `each`, in order. */
  resultsAt(path: string): Json[] {
    return this.listAt(path).map((_item, index) => this.state.items?.[branchPath(path, `[${index}]`)]?.result ?? null);
  }

  finish(): Transition {
    return {
      kind: "transition",
      state: this.state,
      outgoing: this.#outgoing,
      steps: [...this.#steps.values()],
      reopen: this.#reopen,
      keep: this.#keep,
      taken: this.#taken,
    };
  }

  #varsAt(path: string): Record<string, Json> {
    this.state.vars ??= {};
    return this.#innermostItem(path)?.state.vars ?? this.state.vars;
  }

  #innermostItem(
    path: string,
  ): { readonly branch: string; readonly steps: readonly Step[]; readonly state: ItemState } | undefined {
    const lane = lanesAt(this.definition, path).findLast(({ step }) => step.kind === "each");
    if (lane === undefined) return undefined;
    const before = this.state.items?.[lane.branch];
    const state: ItemState = { ...before, outputs: { ...before?.outputs }, vars: { ...before?.vars } };
    this.state.items = Object.assign(this.state.items ?? {}, { [lane.branch]: state });
    return { branch: lane.branch, steps: lane.step.kind === "each" ? lane.step.steps : [], state };
  }

  #scope(path: string): Scope {
    const { id, key, version, startedAt, input } = this.facts;
    const own: Record<string, Json> = {};
    let steps = this.state.outputs;
    let vars = this.state.vars ?? {};
    for (const { step, block, branch, item } of lanesAt(this.definition, path)) {
      if (step.kind !== "each" || item === undefined) continue;
      own[step.as] = this.listAt(block)[item] ?? null;
      const inside = this.state.items?.[branch];
      if (inside === undefined) continue;
      steps = { ...steps, ...inside.outputs };
      vars = { ...vars, ...inside.vars };
    }
    return { ...own, input, steps, vars, saga: { id, key, version, startedAt, now: this.read.now } };
  }
}

/** Thrown by a transition whose message would be larger than the event store takes. Parks the saga like a fault of an expression. */
class MessageTooLarge extends Error {}

/** A fault on real data as a failure, with its place in the YAML if it has one. @throws what is no such fault. */
export function faultOf(error: unknown, path: string): Failure {
  if (error instanceof MessageTooLarge)
    return { code: "message.too-large", message: error.message, step: path, kind: "fault" };
  if (!(error instanceof ExpressionFault)) throw error;
  const { line, column } = error.expression.at;
  return { code: "expression.failed", message: error.message, step: path, kind: "fault", line, column };
}

/** The part of a failure that people and expressions see. */
export function errorOf(failure: Failure): {
  code: string;
  message: string;
  step: string;
  line?: number;
  column?: number;
} {
  const { code, message, step, line, column } = failure;
  return { code, message, step, ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) };
}

/**
 * The copy that a transition changes. Outputs, items, lists and inputs are never changed in place, so they are shared: a
 * copy is made for every event, and they are most of a long saga's state.
 */
function workingCopy({ outputs, lists, items, stack, ...rest }: SagaState): SagaState {
  const entries = stack.map((entry) => ({
    ...entry,
    ...(entry.child === undefined ? {} : { child: { ...entry.child } }),
    ...(entry.undo === undefined ? {} : { undo: copyOf(entry.undo) }),
  }));
  return {
    ...copyOf(rest),
    outputs: { ...outputs },
    ...(lists === undefined ? {} : { lists }),
    ...(items === undefined ? {} : { items: { ...items } }),
    stack: entries,
  };
}

/** A copy of a tree of JSON: three times as quick as `structuredClone`. */
function copyOf<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOf) as T;
  const copy: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(value)) copy[name] = copyOf(entry);
  return copy as T;
}
