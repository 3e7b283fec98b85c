import type { Definition, EachStep, Expression, Step } from "./definition.ts";
import type { Evaluator, Scope } from "./evaluate.ts";
import type { Json } from "./json.ts";
import { branchPath, isInside, type Lane, lanesAt } from "./path.ts";
import { storedBytes } from "./size.ts";
import type { ItemState, SagaState } from "./state.ts";
import type { Stored, StoredChange } from "./stored.ts";
import { keptInside, resolved, stepNamed, variableSteps } from "./value-places.ts";

/** Most bytes of outputs that stay in the state, in each item too. */
const OUTPUTS_BYTES = 2_048;
/** How many items of a list are fetched at once, and how many bytes of those not begun stay in the state. */
const AHEAD = 32;
const AHEAD_BYTES = 1_024;

/**
 * What the expressions of a saga read and its steps leave to them: outputs, variables, lists. With `stored`, what is
 * finished leaves the state: a name that is not here is fetched when an expression reads it, by its path.
 */
export class Values {
  readonly #definition: Definition;
  readonly #state: SagaState;
  readonly #evaluator: Evaluator;
  readonly #stored: Stored | undefined;
  readonly #keep: (change: StoredChange) => void;
  /** Outputs of this transition, by the item that they belong to (the saga itself: the empty path). */
  readonly #fresh = new Map<string, Record<string, Json>>();
  /** The same by path: their rows are not written yet. */
  readonly #unwritten = new Map<string, Json>();
  /** Lists whose `each` has ended in this transition. */
  readonly #ended = new Set<string>();
  /** Steps whose values this transition has taken back: their rows do not say so yet. */
  readonly #forgotten = new Set<string>();

  constructor(
    definition: Definition,
    state: SagaState,
    evaluator: Evaluator,
    stored: Stored | undefined,
    keep: (change: StoredChange) => void,
  ) {
    this.#definition = definition;
    this.#state = state;
    this.#evaluator = evaluator;
    this.#stored = stored;
    this.#keep = keep;
  }

  /** Keeps a step's output where later steps read it; inside an item it is the item's own. */
  keepOutput(step: Step, path: string, output: Json): void {
    const item = this.#innermostItem(path);
    this.#unwritten.set(path, output);
    if (step.name !== undefined) {
      (item?.state.outputs ?? this.#state.outputs)[step.name] = output;
      const key = item?.lane.branch ?? "";
      this.#fresh.set(key, { ...this.#fresh.get(key), [step.name]: output });
    }
    if (this.#stored === undefined && item !== undefined && path === `${item.lane.branch}/${lastOf(item.lane)?.id}`) {
      item.state.result = output;
    }
  }

  /** Keeps what a `set` writes; inside an item it is the item's own. */
  keepVariables(path: string, values: readonly (readonly [string, Json])[]): void {
    const item = this.#innermostItem(path);
    const own = Object.fromEntries(values);
    if (item === undefined) this.#state.vars = { ...this.#state.vars, ...own };
    else Object.assign(item.state.vars, own);
    if (this.#stored !== undefined && item !== undefined) this.#keep({ path, result: own });
  }

  /** Each variable is written once; inside an item it is the item's own. */
  hasVariable(path: string, name: string): boolean {
    const item = this.#innermostItem(path);
    if (Object.hasOwn(item?.state.vars ?? this.#state.vars ?? {}, name)) return true;
    return item !== undefined && Object.hasOwn(this.#varsOutside(path, [name], {}), name);
  }

  /**
   * What a block, or one branch of it, has kept is gone: nothing of it came about. `within`: the branch; the whole block
   * by default. Rows of finished steps still show it to people.
   */
  forget(block: string, within = block): void {
    const item = this.#innermostItem(block);
    const { outputs, vars = {} } = item?.state ?? this.#state;
    const fresh = this.#fresh.get(item?.lane.branch ?? "") ?? {};
    for (const { path, name, variables } of keptInside(this.#definition, within)) {
      this.#unwritten.delete(path);
      this.#forgotten.add(path);
      for (const variable of variables) delete vars[variable];
      if (name !== undefined) {
        delete outputs[name];
        delete fresh[name];
      }
      if (this.#stored !== undefined) this.#keep({ path, forgotten: true });
    }
    const { items, lists, ahead } = this.#state;
    if (items !== undefined) this.#state.items = outsideOf(within, items);
    if (lists !== undefined) this.#state.lists = outsideOf(within, lists);
    if (ahead !== undefined) this.#state.ahead = outsideOf(within, ahead);
  }

  /** Keeps the list that an `each` runs over. */
  keepList(path: string, items: readonly Json[]): void {
    this.#state.lists = { ...this.#state.lists, [path]: items };
  }

  countAt(path: string): number {
    return this.#state.lists?.[path]?.length ?? this.#state.ahead?.[path]?.count ?? 0;
  }

  /** An item begins: from now on it has what it runs over at hand. */
  beginItem(block: string, index: number): void {
    if (this.#stored === undefined) return;
    const { items, lists } = this.#state;
    const list = lists?.[block];
    const value = list === undefined ? this.#nextItem(this.#stored, block, index) : (list[index] ?? null);
    this.#state.items = { ...items, [branchPath(block, `[${index}]`)]: { outputs: {}, vars: {}, value } };
  }

  /** An item has ended: what it keeps to itself leaves the state. */
  endItem(branch: string): void {
    if (this.#stored === undefined || this.#state.items === undefined) return;
    delete this.#state.items[branch];
    this.#fresh.delete(branch);
    this.#state.outside = true;
  }

  /** What stands for the items of an `each`, in order. */
  resultsAt(path: string, { steps }: EachStep): Json[] {
    const last = steps.at(-1);
    const outside = this.#stored === undefined || last === undefined ? undefined : this.#stored.results(path, last.id);
    return Array.from({ length: this.countAt(path) }, (_none, index) => {
      const branch = branchPath(path, `[${index}]`);
      const fresh = this.#unwritten.get(`${branch}/${last?.id}`);
      return fresh ?? this.#state.items?.[branch]?.result ?? outside?.get(index) ?? null;
    });
  }

  /** An `each` has ended, however it did. */
  endList(path: string): void {
    if (this.#stored === undefined) return;
    delete this.#state.ahead?.[path];
    this.#ended.add(path);
    for (const branch of Object.keys(this.#state.items ?? {})) if (branch.startsWith(`${path}[`)) this.endItem(branch);
  }

  /** What expressions that stand at a path see of the saga's own. */
  scope(path: string, expressions: () => readonly Expression[]): Scope {
    const own: Record<string, Json> = {};
    let steps = this.#state.outputs;
    let vars = this.#state.vars ?? {};
    for (const lane of lanesAt(this.#definition, path)) {
      const { step, block, branch, item } = lane;
      if (step.kind !== "each" || item === undefined) continue;
      const inside = this.#state.items?.[branch];
      own[step.as] = this.#itemAt(block, item, inside);
      steps = { ...steps, ...inside?.outputs };
      vars = { ...vars, ...inside?.vars };
    }
    if (this.#stored === undefined || this.#state.outside === undefined) return { ...own, steps, vars };
    const names = fieldsOf(this.#evaluator, expressions());
    return {
      ...own,
      steps: { ...this.#stepsOutside(path, names.steps, steps), ...steps },
      vars: { ...this.#varsOutside(path, names.vars, vars), ...vars },
    };
  }

  /** The transition is over: what need not be in the state leaves it. Its steps' rows are written with their outputs anyway. */
  leave(): void {
    const stored = this.#stored;
    if (stored === undefined) return;
    for (const [key, fresh] of this.#fresh) {
      const holder = key === "" ? this.#state : this.#state.items?.[key];
      if (holder !== undefined && isTooMuch(holder.outputs, stored.outputsMax)) {
        holder.outputs = isTooMuch(fresh, stored.outputsMax) ? {} : fresh;
        this.#state.outside = true;
      }
    }
    for (const [path, items] of Object.entries(this.#state.lists ?? {})) this.#leaveList(path, items);
    delete this.#state.lists;
    this.#dropEnded();
  }

  #leaveList(path: string, items: readonly Json[]): void {
    this.#keep({ path, input: items });
    // Items that were begun while their list was in the state.
    for (const [index, value] of items.entries()) {
      const item = this.#state.items?.[branchPath(path, `[${index}]`)];
      if (item !== undefined) item.value = value;
    }
    if (this.#ended.has(path)) return;
    this.#state.ahead = { ...this.#state.ahead, [path]: { count: items.length, from: 0, values: [] } };
  }

  /** A step that undoes one of an item that has ended makes that item's own values anew; they go with the last of them. */
  #dropEnded(): void {
    const { items, stack } = this.#state;
    for (const [branch, item] of Object.entries(items ?? {})) {
      if (
        !Object.hasOwn(item, "value") &&
        !stack.some(({ path, undo }) => undo !== undefined && isInside(path, branch))
      ) {
        delete items?.[branch];
        this.#state.outside = true;
      }
    }
    for (const name of ["items", "ahead"] as const) {
      if (Object.keys(this.#state[name] ?? {}).length === 0) delete this.#state[name];
    }
  }

  /** Items come in their order, so a few are fetched ahead. */
  #nextItem(stored: Stored, block: string, index: number): Json {
    const known = this.#state.ahead?.[block] ?? { count: 0, from: 0, values: [] };
    const here = known.values.slice(Math.max(0, index - known.from));
    const [value = null, ...rest] = here.length > 0 ? here : stored.items(block, index, index + AHEAD);
    this.#state.ahead = {
      ...this.#state.ahead,
      [block]: { count: known.count, from: index + 1, values: fitting(rest) },
    };
    return value;
  }

  #itemAt(block: string, index: number, inside: ItemState | undefined): Json {
    if (inside?.value !== undefined) return inside.value;
    const list = this.#state.lists?.[block];
    if (list !== undefined) return list[index] ?? null;
    return this.#stored?.items(block, index, index + 1)[0] ?? null;
  }

  #stepsOutside(path: string, names: readonly string[] | undefined, here: Scope): Record<string, Json> {
    const lanes = lanesAt(this.#definition, path);
    const wanted = stepNamed(this.#definition, names).flatMap(([name, place]) => {
      const at = Object.hasOwn(here, name) ? undefined : resolved(place, lanes);
      return at === undefined || this.#forgotten.has(at) ? [] : [{ name, at }];
    });
    const found = this.#fetch(wanted.map(({ at }) => at));
    return Object.fromEntries(
      wanted.flatMap(({ name, at }) => {
        const output = this.#unwritten.get(at) ?? found?.get(at)?.output;
        return output === undefined ? [] : [[name, output] as const];
      }),
    );
  }

  /** Only the variables of items that have ended are outside. */
  #varsOutside(path: string, names: readonly string[] | undefined, here: Scope): Record<string, Json> {
    const lanes = lanesAt(this.#definition, path);
    const missing = names?.filter((name) => !Object.hasOwn(here, name));
    const places = variableSteps(this.#definition, missing).flatMap((place) => resolved(place, lanes) ?? []);
    const found = this.#fetch(places.filter((place) => place.includes("[") && !this.#forgotten.has(place)));
    return Object.assign({}, ...[...(found?.values() ?? [])].map(({ result }) => result));
  }

  #fetch(paths: readonly string[]) {
    return paths.length === 0 ? undefined : this.#stored?.values(paths);
  }

  #innermostItem(path: string): { readonly lane: Lane; readonly state: ItemState } | undefined {
    const lane = lanesAt(this.#definition, path).findLast(({ step }) => step.kind === "each");
    if (lane === undefined) return undefined;
    const before = this.#state.items?.[lane.branch];
    const state: ItemState = { ...before, outputs: { ...before?.outputs }, vars: { ...before?.vars } };
    this.#state.items = Object.assign(this.#state.items ?? {}, { [lane.branch]: state });
    return { lane, state };
  }
}

function lastOf({ step }: Lane): Step | undefined {
  return step.kind === "each" ? step.steps.at(-1) : undefined;
}

/** Of what is kept by path: all that does not lie inside a block or branch. */
function outsideOf<T>(scope: string, kept: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(kept).filter(([path]) => !isInside(path, scope)));
}

function isTooMuch(outputs: Readonly<Record<string, Json>>, most: number): boolean {
  return Object.keys(outputs).length > most || storedBytes(outputs) > OUTPUTS_BYTES;
}

/** As many of the first items as may stay in the state. */
function fitting(items: readonly Json[]): readonly Json[] {
  let bytes = 0;
  const tooMuch = items.findIndex((item) => {
    bytes += storedBytes(item);
    return bytes > AHEAD_BYTES;
  });
  return tooMuch < 0 ? items : items.slice(0, tooMuch);
}

/** What several expressions read; undefined: any. */
function fieldsOf(evaluator: Evaluator, expressions: readonly Expression[]) {
  const all = (name: "steps" | "vars") => {
    const fields = expressions.map((expression) => evaluator.fieldsOf(expression, name));
    const known = fields.filter((some) => some !== undefined);
    return known.length < fields.length ? undefined : [...new Set(known.flat())];
  };
  return { steps: all("steps"), vars: all("vars") };
}
