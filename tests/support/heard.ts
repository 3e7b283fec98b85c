import type { Definition } from "../../engine/core/definition.ts";
import { loadDefinition } from "../../engine/definition/load.ts";

/** A saga that messages of `orders.placed` start. */
export function heardDefinition(): Definition {
  const source = `saga: heard
version: 1
input:
  note: string
start:
  topic: orders.placed
  input: { note: "\${ event.note }" }
steps:
  - fail: no_such_thing
`;
  const { definition } = loadDefinition(source, { catalog: { actions: new Map() }, definitions: new Map() });
  if (definition === null) throw new Error("the definition is broken");
  return definition;
}
