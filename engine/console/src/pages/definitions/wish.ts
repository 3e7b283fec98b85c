import type { Simulation } from "../../data/shapes.ts";
import { jsonOf } from "../../parts/json-text.ts";

/** What the address says is to happen: `end.screen`, `end.undo screen`, `signal.name`, `input`, `cancelAt`. */
export type Query = URLSearchParams;

/** What is sent, and which fields cannot be sent as they are. */
export interface Wish {
  readonly body: Readonly<Record<string, unknown>>;
  /** By parameter. */
  readonly faults: ReadonlyMap<string, string>;
}

export const NEVER = "never";

/** How a simulation is asked for. A signal comes as soon as it is awaited, unless the address says otherwise. */
export function wishOf(source: string, query: Query, steps: Simulation["steps"]): Wish {
  const faults = new Map<string, string>();
  const read = (name: string, text: string): unknown => {
    const { value, fault } = jsonOf(text);
    if (fault !== undefined) faults.set(name, fault);
    return fault === undefined ? value : undefined;
  };
  const outcomes: Record<string, unknown[]> = {};
  for (const [name, text] of query) {
    if (!name.startsWith("end.") || text === "") continue;
    const output = text.trimStart().startsWith("{") ? read(name, text) : undefined;
    if (!faults.has(name)) outcomes[name.slice("end.".length)] = [output === undefined ? text : { output }];
  }
  const names = new Set(steps.flatMap(({ signal }) => (signal === null ? [] : [signal])));
  const signals = [...names].flatMap((signal) => {
    const text = query.get(`signal.${signal}`) ?? "";
    if (text === NEVER) return [];
    const payload = text === "" ? undefined : read(`signal.${signal}`, text);
    return [{ signal, ...(payload === undefined ? {} : { payload }) }];
  });
  const input = query.get("input") ?? "";
  const given = input.trim() === "" ? undefined : read("input", input);
  const cancelAt = query.get("cancelAt") ?? "";
  return {
    body: {
      source,
      outcomes,
      signals,
      ...(given === undefined ? {} : { input: given }),
      ...(cancelAt.trim() === "" ? {} : { cancelAt: cancelAt.trim() }),
    },
    faults,
  };
}

/** Whether a parameter of the address belongs to a simulation. */
export function isWish(name: string): boolean {
  return name.startsWith("end.") || name.startsWith("signal.") || name === "input" || name === "cancelAt";
}
