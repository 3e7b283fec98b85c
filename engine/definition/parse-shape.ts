import { isMap, isScalar, isSeq, type Node } from "yaml";
import type { Shape } from "../core/definition.ts";
import { FORBIDDEN_KEYS } from "../core/template.ts";
import { fieldsOf, kindOf, type ParseContext, positionOf, report } from "./parse-context.ts";
import { scalarOffsets } from "./scalar-offsets.ts";
import { parseShapeNotation, ShapeNotationError } from "./shape-notation.ts";

const ANY: Shape = { kind: "any", optional: true };

/** A shape: a string of the notation, a map of fields (`name?:` = optional field), or a list of an enum's values. */
export function shapeOf(context: ParseContext, node: Node): Shape {
  if (isMap(node)) return context.marks.mark(objectShape(context, node), positionOf(context, node));
  if (isSeq(node)) return enumShape(context, node.items as Node[], node);
  if (isScalar(node) && typeof node.value === "string") return notatedShape(context, node, node.value);
  report(
    context,
    "definition.bad-shape",
    node,
    `a shape cannot be ${kindOf(node)}`,
    "Write string, integer(1..10), [own, rent], list<string> or a map of fields.",
  );
  return ANY;
}

function objectShape(context: ParseContext, node: Node): Shape {
  const fields: Record<string, Shape> = {};
  for (const { key, value } of fieldsOf(context, node, "a shape")?.values() ?? []) {
    const optional = key.endsWith("?");
    const name = optional ? key.slice(0, -1) : key;
    if (FORBIDDEN_KEYS.has(name)) {
      report(context, "definition.forbidden-key", value, `\`${name}\` cannot be used as a key`, "Choose another name.");
      continue;
    }
    const shape = shapeOf(context, value);
    fields[name] = optional ? { ...shape, optional: true } : shape;
  }
  return { kind: "object", optional: false, fields };
}

function enumShape(context: ParseContext, items: readonly Node[], node: Node): Shape {
  const values: string[] = [];
  for (const item of items) {
    const value = isScalar(item) ? item.value : undefined;
    if (typeof value !== "string" || value === "" || values.includes(value)) {
      const hint =
        typeof value === "boolean"
          ? "Use boolean, or quote the value."
          : "Write different texts; quote what looks like a number.";
      report(context, "definition.bad-shape", item, "an enum's values must be different texts", hint);
    } else {
      values.push(value);
    }
  }
  if (items.length === 0) report(context, "definition.bad-shape", node, "an enum needs values", "Write [own, rent].");
  return { kind: "enum", optional: false, values };
}

function notatedShape(context: ParseContext, node: Node, text: string): Shape {
  try {
    return parseShapeNotation(text);
  } catch (error) {
    if (!(error instanceof ShapeNotationError)) throw error;
    const offsets = isScalar(node) ? scalarOffsets(context.document.source, node, text) : [];
    const last = (offsets.at(-1) ?? node.range?.[0] ?? 0) + 1;
    const at = context.document.position(offsets[error.at] ?? last);
    context.findings.error("definition.bad-shape", at, error.message, error.hint);
    return ANY;
  }
}
