import type { decide } from "../../engine/core/decide.ts";
import type { Definition, Step } from "../../engine/core/definition.ts";
import type { Json } from "../../engine/core/json.ts";
import { stepAt } from "../../engine/core/path.ts";

type Topic = "kind" | "key" | "event" | "no-op" | "guard" | "status" | "fault" | "handler" | "end";

/** What the runs have met, counted: a run that meets too little proves too little. */
export class Coverage {
  readonly #counts = new Map<Topic, Map<string, number>>();

  count(topic: Topic, what: string): void {
    const counts = this.#counts.get(topic) ?? new Map<string, number>();
    this.#counts.set(topic, counts);
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }

  of(topic: Topic): ReadonlyMap<string, number> {
    return this.#counts.get(topic) ?? new Map();
  }

  add(other: Coverage): void {
    for (const [topic, counts] of other.#counts) {
      for (const [what, count] of counts) {
        const own = this.#counts.get(topic) ?? new Map<string, number>();
        this.#counts.set(topic, own);
        own.set(what, (own.get(what) ?? 0) + count);
      }
    }
  }

  /** The keys that a source uses, by their names in the file. */
  source(text: string): void {
    this.#keys(JSON.parse(text) as Json);
  }

  #keys(value: Json): void {
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (!Array.isArray(value)) this.count("key", key);
      this.#keys(inner);
    }
  }

  /** A `decide` whose decisions are counted. */
  watched(inner: typeof decide): typeof decide {
    return (definition, facts, state, event, read, ...rest) => {
      const decision = inner(definition, facts, state, event, read, ...rest);
      if (decision.kind === "needs") return decision;
      for (const outcome of Object.values(read.guards)) this.count("guard", outcome.state);
      if (decision.kind === "no-op") this.count("no-op", decision.reason);
      else {
        this.count("event", event.type);
        this.count("status", decision.state.status);
        for (const { path } of decision.steps) this.#path(definition, path);
        const failed = decision.state.failure?.step;
        if (failed !== undefined) this.#kind(stepAt(definition, failed));
      }
      return decision;
    };
  }

  /** A step, and the steps around it: a choice is seen by what stands in it. */
  #path(definition: Definition, path: string): void {
    const segments = path.split("/");
    for (let count = segments.length; count > 0; count -= 1)
      this.#kind(stepAt(definition, segments.slice(0, count).join("/")));
  }

  #kind(step: Step | undefined): void {
    if (step === undefined) return;
    this.count("kind", step.kind === "parallel" && step.join === "any" ? "parallel any" : step.kind);
  }

  toString(): string {
    return [...this.#counts]
      .map(([topic, counts]) => {
        const parts = [...counts].sort(([one], [other]) => (one < other ? -1 : 1));
        return `  ${topic}: ${parts.map(([what, count]) => `${what} ${count}`).join(", ")}`;
      })
      .join("\n");
  }
}
