import type { JsonObject } from "../../engine/core/json.ts";
import type { Random } from "./random.ts";

/** Sources of a random saga and of the children that it starts, by name. JSON is YAML. */
export interface Sources {
  readonly root: string;
  readonly byName: ReadonlyMap<string, string>;
}

type Steps = readonly JsonObject[];

/** Where a step stands: what may stand there, and which names it may read. */
interface Place {
  readonly depth: number;
  readonly afterPivot: boolean;
  /** Inside a branch or an item. */
  readonly beside: boolean;
  /** Commands before it whose output it may read. */
  readonly outputs: readonly string[];
  readonly item?: string;
}

const ROOT = "root";

/** Of an empty list there is no first. */
const BREAKS = { first: "${ input.list[0] }" };

/** What a generator makes beside the ordinary; without it a seed makes what it always made. */
export interface Wide {
  /** How deep blocks and children go. */
  readonly depth: number;
  /** Weight of a child saga among the steps. */
  readonly children: number;
}

/** Makes a random saga of every kind and key of the language, small enough to be run many times. */
export function randomSources(random: Random, wide?: Wide): Sources {
  const byName = new Map<string, string>();
  const maker = new Maker(random, byName, wide);
  byName.set(ROOT, JSON.stringify(maker.definition(ROOT, wide?.depth ?? 2)));
  return { root: ROOT, byName };
}

class Maker {
  readonly #random: Random;
  readonly #byName: Map<string, string>;
  readonly #wide: Wide | undefined;
  #names = 0;

  constructor(random: Random, byName: Map<string, string>, wide: Wide | undefined) {
    this.#random = random;
    this.#byName = byName;
    this.#wide = wide;
  }

  /** `depth`: how deep its blocks and its children may go. */
  definition(name: string, depth: number): JsonObject {
    const place: Place = { depth, afterPivot: false, beside: false, outputs: [] };
    const hasPivot = this.#random.chance(0.4);
    const before = this.#steps(place, name === ROOT ? 3 : 2);
    const pivot = hasPivot ? this.#pivots(place) : [];
    const after = hasPivot && this.#random.chance(0.6) ? this.#steps({ ...place, afterPivot: true }, 2) : [];
    const fails = !hasPivot && this.#random.chance(0.25);
    const last: Steps = fails ? [this.#fail()] : this.#random.chance(0.1) ? [this.#end()] : [];
    return {
      saga: name,
      version: 1,
      input: { list: "list<integer>(..10)", choice: ["one", "two"] },
      ...this.#maybe(0.2, () => ({ key: "${ saga.id }", labels: { choice: "${ input.choice }" } })),
      ...this.#maybe(0.2, () => ({ deadline: this.#random.pick(["20s", "5m", "1h"]) })),
      ...this.#maybe(0.3, () => ({ defaults: { timeout: "20s", retry: { attempts: 2, backoff: "1s" } } })),
      steps: [...before, ...pivot, ...after, ...last],
      ...this.#maybe(0.3, () => ({ output: this.#isWide(0.3) ? BREAKS : { choice: "${ input.choice }" } })),
    };
  }

  #maybe<T extends JsonObject>(share: number, make: () => T): T | Record<string, never> {
    return this.#random.chance(share) ? make() : {};
  }

  /** Draws only where the generator is wide. */
  #isWide(share: number): boolean {
    return this.#wide !== undefined && this.#random.chance(share);
  }

  #name(letter: string): string {
    this.#names += 1;
    return `${letter}${this.#names}`;
  }

  #steps(place: Place, most: number): Steps {
    const count = 1 + this.#random.below(most);
    const steps: JsonObject[] = [];
    let outputs = place.outputs;
    for (let index = 0; index < count; index += 1) {
      const step = this.#step({ ...place, outputs });
      steps.push(step);
      const isSure = step["if"] === undefined && step["catch"] === undefined && step["command"] !== undefined;
      if (isSure && step["output"] === undefined) outputs = [...outputs, step["step"] as string];
    }
    return steps;
  }

  #step(place: Place): JsonObject {
    const { depth } = place;
    const kind = this.#random.weighted({
      command: 45,
      external: 15,
      notify: 7,
      wait: 12,
      sleep: 6,
      // A value that each item would write is no value.
      set: place.item === undefined ? 5 : 0,
      choose: depth > 0 ? 12 : 0,
      fails: this.#wide === undefined || place.afterPivot ? 0 : 3,
      ends: this.#wide === undefined || place.beside || place.item !== undefined ? 0 : 1,
      parallel: depth > 0 && (this.#wide !== undefined || !place.beside) ? 14 : 0,
      race: depth > 0 && !place.afterPivot ? 9 : 0,
      waits: depth > 0 && this.#wide !== undefined ? 3 : 0,
      each: depth > 0 ? 9 : 0,
      saga: depth > 0 ? (this.#wide?.children ?? 10) : 0,
    });
    switch (kind) {
      case "command":
        return this.#command(place, "shop");
      case "external":
        return this.#command(place, "bank");
      case "notify":
        return this.#notify(place);
      case "wait":
        return this.#wait(place);
      case "sleep":
        return this.#sleep();
      case "set":
        return { step: this.#name("v"), set: { [this.#name("x")]: this.#value(place) } };
      case "choose":
        return this.#choose(place);
      case "fails":
        return { ...this.#fail(), if: this.#random.pick(["input.choice == 'two'", "size(input.list) > 1"]) };
      case "ends":
        return { ...this.#end(), if: this.#random.pick(["input.choice == 'two'", "size(input.list) > 2"]) };
      case "waits":
        return this.#waits(place);
      case "parallel":
        return this.#parallel(place, "all");
      case "race":
        return this.#parallel(place, "any");
      case "each":
        return this.#each(place);
      case "saga":
        return this.#saga(place);
    }
  }

  #value({ outputs, item }: Place): string {
    const names = outputs.map((name) => `\${ steps.${name}.at }`);
    const own = item === undefined ? [] : [`\${ ${item} }`];
    return this.#random.pick(["${ input.choice }", "${ saga.startedAt }", ...names, ...own]);
  }

  #command(place: Place, domain: "shop" | "bank"): JsonObject {
    const { afterPivot } = place;
    const deadline = this.#deadline(0.3, "5s", "1m", "10m");
    return {
      step: this.#name("s"),
      command: `${domain}.${domain === "shop" ? "buy" : "pay"}`,
      with: { value: this.#value(place) },
      ...this.#if(),
      ...this.#maybe(0.5, () => ({ timeout: this.#random.pick(["10s", "1m"]) })),
      ...deadline,
      ...this.#maybe(0.1, () => ({ returns: { at: "string" } })),
      ...this.#maybe(0.1, () => ({ output: { kept: "${ result.at }" } })),
      ...this.#maybe(0.7, () => ({ retry: this.#retry(afterPivot) })),
      ...this.#catch(place, ["refused", "timeout", "rejected", "failed", "any"], 0.3, deadline),
      ...(afterPivot ? {} : this.#maybe(0.8, () => ({ compensate: this.#compensation(place, domain) }))),
    };
  }

  #if(): JsonObject {
    const breaks = this.#wide === undefined ? [] : ["input.list[0] >= 0"];
    return this.#maybe(0.08, () => ({ if: this.#random.pick(["input.choice == 'one'", "true", ...breaks]) }));
  }

  #retry(afterPivot: boolean): JsonObject | "none" {
    if (this.#random.chance(0.1)) return "none";
    return {
      attempts: this.#random.chance(0.1) ? "forever" : 1 + this.#random.below(3),
      backoff: "1s",
      ...this.#maybe(0.3, () => ({ factor: 2, max: "4s", jitter: 0.5 })),
      ...this.#maybe(0.4, () => ({ also: ["busy"] })),
      ...this.#maybe(0.2, () => ({ never: ["fatal", "timeout"] })),
      ...(afterPivot ? {} : this.#maybe(0.4, () => ({ then: "compensate" }))),
    };
  }

  /** `deadline`: the step's, without which none can be caught. */
  #catch(place: Place, always: readonly string[], share: number, deadline: JsonObject): JsonObject {
    if (!this.#random.chance(share)) return {};
    const codes = deadline["deadline"] === undefined ? always : [...always, "deadline"];
    const chosen = [...new Set([this.#random.pick(codes), this.#random.pick(codes)])];
    const depth = this.#wide === undefined ? 0 : Math.max(0, place.depth - 1);
    const inside = { ...place, depth, outputs: [] };
    const entries = chosen.map((code) => {
      const steps = this.#random.weighted({ nothing: 4, step: 4, fail: place.afterPivot ? 0 : 2 });
      return [code, steps === "nothing" ? [] : steps === "step" ? this.#steps(inside, 1) : [this.#fail()]] as const;
    });
    return { catch: Object.fromEntries(entries) };
  }

  #compensation(place: Place, domain: string): JsonObject | string | Steps {
    const command = `${domain}.${domain === "shop" ? "give_back" : "pay_back"}`;
    const kind = this.#random.weighted({ name: 4, object: 4, list: 2 });
    if (kind === "name") return command;
    if (kind === "list") return this.#isWide(0.4) ? { steps: this.#list(place), optional: true } : this.#list(place);
    return {
      command,
      timeout: "10s",
      retry: { attempts: 1 + this.#random.below(3), backoff: "1s" },
      ...this.#maybe(0.2, () => ({ with: { value: "${ input.choice }" } })),
      ...this.#maybe(0.3, () => ({ optional: true })),
    };
  }

  #list(place: Place): Steps {
    const one = (command: string): JsonObject => ({
      step: this.#name("u"),
      command,
      with: { value: "${ input.choice }" },
      ...this.#if(),
      retry: { attempts: 2, backoff: "1s" },
    });
    const set = place.item === undefined ? 1 : 0;
    const more = this.#random.weighted({ none: 3, command: 2, notify: 1, set });
    const second: Record<typeof more, () => Steps> = {
      none: () => [],
      command: () => [one("post.refund")],
      notify: () => [this.#notify(place)],
      set: () => [{ step: this.#name("v"), set: { [this.#name("x")]: "${ input.choice }" } }],
    };
    const called = this.#wide === undefined ? [] : ["bank.pay"];
    return [one(this.#random.pick(["post.refund", "shop.buy", ...called])), ...second[more]()];
  }

  #notify(place: Place): JsonObject {
    const retry = { attempts: 2, backoff: "1s" };
    return { step: this.#name("n"), notify: "post.mail", with: { value: this.#value(place) }, retry };
  }

  #deadline(share: number, ...times: readonly string[]): JsonObject {
    return this.#maybe(share, () => ({ deadline: this.#random.pick(times) }));
  }

  #wait(place: Place): JsonObject {
    const deadline = this.#deadline(0.7, "5s", "2m");
    return {
      step: this.#name("w"),
      wait: this.#random.pick(["go", "stop"]),
      ...this.#maybe(0.3, () => ({ match: "signal.number > 2" })),
      returns: { number: "integer" },
      ...this.#maybe(0.2, () => ({ output: { number: "${ result.number }" } })),
      ...deadline,
      ...this.#catch(place, ["any"], 0.4, deadline),
    };
  }

  #sleep(): JsonObject {
    const until = this.#random.chance(0.2);
    return {
      step: this.#name("z"),
      sleep: until ? { until: "${ saga.startedAt }" } : this.#random.pick(["1s", "30s"]),
    };
  }

  #fail(): JsonObject {
    return this.#random.chance(0.5) ? { fail: "over" } : { fail: { code: "over", message: "no: ${ saga.id }" } };
  }

  #end(): JsonObject {
    return { end: { outcome: "early", output: { choice: "${ input.choice }" } } };
  }

  #pivot(place: Place): JsonObject {
    const domain = this.#random.chance(0.3) ? "bank" : "shop";
    return {
      step: this.#name("p"),
      command: `${domain}.${domain === "shop" ? "buy" : "pay"}`,
      with: { value: this.#value(place) },
      pivot: true,
      ...this.#maybe(0.4, () => ({ deadline: this.#random.pick(["5s", "1m"]) })),
      retry: { attempts: 1 + this.#random.below(3), backoff: "1s" },
      ...this.#maybe(0.3, () => ({
        catch: { [this.#random.pick(["refused", "rejected"])]: [...this.#insteadOf(place), this.#fail()] },
      })),
    };
  }

  /** The pivot, or one for each choice. */
  #pivots(place: Place): Steps {
    if (!this.#isWide(0.25)) return [this.#pivot(place)];
    const one = [...this.#steps({ ...place, depth: 0 }, 1), this.#pivot(place)];
    const two = this.#random.chance(0.5) ? [this.#pivot(place)] : [];
    return [{ step: this.#name("c"), choose: "input.choice", cases: { one, two } }];
  }

  /** What is done before a saga whose pivot was refused fails, or ends well all the same. */
  #insteadOf(place: Place): Steps {
    if (!this.#isWide(0.4)) return [];
    const steps = this.#steps({ ...place, depth: 0 }, 1);
    return this.#random.chance(0.5) ? [...steps, { ...this.#end(), if: "input.choice == 'one'" }] : steps;
  }

  /** A race of two signals, or of a signal and a time. */
  #waits(place: Place): JsonObject {
    const left = [this.#wait({ ...place, depth: 0, beside: true })];
    const right = [this.#sleep(), { step: this.#name("w"), wait: "go", returns: { number: "integer" } }];
    return { step: this.#name("b"), parallel: { left, right }, join: "any" };
  }

  #choose(place: Place): JsonObject {
    const inside = { ...place, depth: place.depth - 1 };
    const name = this.#name("c");
    if (this.#random.chance(0.5)) {
      return { step: name, choose: "input.choice", cases: { one: this.#steps(inside, 2), two: [] } };
    }
    const otherwise = this.#random.chance(0.85) || place.afterPivot ? [{ else: this.#steps(inside, 1) }] : [];
    return { step: name, choose: [{ when: "size(input.list) > 1", then: this.#steps(inside, 1) }, ...otherwise] };
  }

  #parallel(place: Place, join: "all" | "any"): JsonObject {
    const inside = { ...place, depth: place.depth - 1, beside: true };
    const deadline = this.#deadline(0.3, "10s", "5m");
    const branches = Object.fromEntries(
      ["left", "right", "third"].slice(0, 2 + this.#random.below(2)).map((name) => [name, this.#steps(inside, 2)]),
    );
    return {
      step: this.#name("b"),
      parallel: branches,
      ...(join === "any" || this.#random.chance(0.3) ? { join } : {}),
      ...deadline,
      ...this.#catch(place, ["refused", "over", "rejected", "any"], 0.4, deadline),
    };
  }

  #each(place: Place): JsonObject {
    const item = this.#name("i");
    const inside = { ...place, depth: place.depth - 1, beside: true, item };
    const deadline = this.#deadline(0.3, "10s", "5m");
    return {
      step: this.#name("e"),
      each: {
        in: "input.list",
        as: item,
        steps: this.#steps(inside, 2),
        concurrency: 1 + this.#random.below(3),
        max: 10,
      },
      ...deadline,
      ...this.#catch(place, ["refused", "any"], 0.4, deadline),
    };
  }

  #saga(place: Place): JsonObject {
    const child = this.#name("child_");
    const source = this.definition(child, place.depth - 1);
    this.#byName.set(child, JSON.stringify(source));
    const deadline = this.#deadline(0.3, "10s", "5m");
    return {
      step: this.#name("k"),
      saga: child,
      with: { list: "${ input.list }", choice: "${ input.choice }" },
      ...deadline,
      ...this.#catch(place, ["over", "rejected", "any"], 0.3, deadline),
      ...(place.afterPivot ? {} : this.#maybe(0.6, () => ({ compensate: this.#reversal(place) }))),
    };
  }

  /** How a child that is past its own pivot is taken back. */
  #reversal(place: Place): JsonObject | Steps {
    if (this.#random.chance(0.5)) return this.#list(place);
    return { command: "post.refund", with: { value: "${ input.choice }" }, retry: { attempts: 2, backoff: "1s" } };
  }
}
