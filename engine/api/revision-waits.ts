import type { InferOutput } from "valibot";

import type { Shape, WaitStep } from "../core/definition.ts";
import { allSteps } from "../core/path.ts";
import { shapeText } from "../definition/facts.ts";
import { loadDefinition } from "../definition/load.ts";
import type { RevisionWait, SignalField } from "./definition-schema.ts";

/** The steps of a source that wait for signals, with what each expects of the payload. */
export function waitsOf(source: string): InferOutput<typeof RevisionWait>[] {
  const { definition } = loadDefinition(source, { catalog: null, checks: false });
  if (definition === null) return [];
  return [...allSteps(definition)].flatMap(([path, step]) =>
    step.kind === "wait" ? [{ path, signal: step.signal, fields: fieldsOf(step) }] : [],
  );
}

function fieldsOf({ returns }: WaitStep): InferOutput<typeof SignalField>[] | null {
  if (returns?.kind !== "object" || returns.fields === undefined) return null;
  return Object.entries(returns.fields).map(([name, shape]) => fieldOf(name, shape));
}

function fieldOf(name: string, shape: Shape): InferOutput<typeof SignalField> {
  const values = shape.kind === "enum" ? [...shape.values] : [];
  return { name, shape: shapeText(shape), kind: shape.kind, required: !shape.optional, values };
}
