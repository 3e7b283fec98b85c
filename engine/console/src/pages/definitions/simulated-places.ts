import type { Simulation } from "../../data/shapes.ts";
import { numberless, type Place } from "../saga/places.ts";

/** How each step of a simulated run stands, by its path in the picture; of an `each` what went wrong comes first. */
export function placesIn({ steps, states }: Simulation): ReadonlyMap<string, Place> {
  const paths = new Map(steps.map(({ step, path }) => [step, path]));
  const places = new Map<string, Place>();
  for (const { step, status } of states) {
    // `ship[3]`: the step is called `ship`; one without a name is called by its path.
    const path = paths.get(step) ?? paths.get(step.replaceAll(/\[\d+\]/g, "")) ?? numberless(step);
    const known = places.get(path);
    const items = (known?.items ?? 0) + 1;
    if (known === undefined || known.status === "succeeded" || known.status === "skipped")
      places.set(path, { status, attempts: 1, items, backward: false, path });
    else places.set(path, { ...known, items });
  }
  return places;
}
