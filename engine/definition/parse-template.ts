import { isMap, isScalar, isSeq, type Node, type Scalar } from "yaml";
import type { Expression, Position, Template } from "../core/definition.ts";
import type { Json } from "../core/json.ts";
import { fieldsOf, kindOf, type ParseContext, positionOf, report } from "./parse-context.ts";
import { scalarOffsets } from "./scalar-offsets.ts";

/** Any YAML value whose strings may hold `${ expression }`. `$${` is a literal `${`. */
export function templateOf(context: ParseContext, node: Node): Template {
  const at = positionOf(context, node);
  if (isMap(node)) return objectTemplate(context, node, at);
  if (isSeq(node)) {
    const items = node.items.map((item) => templateOf(context, item as Node));
    const literals = literalsOf(items);
    const template: Template = literals === undefined ? { kind: "list", items } : { kind: "literal", value: literals };
    return context.marks.mark(template, at);
  }
  return context.marks.mark(isScalar(node) ? scalarTemplate(context, node) : { kind: "literal", value: null }, at);
}

function objectTemplate(context: ParseContext, node: Node, at: Position): Template {
  const fields = fieldsOf(context, node, "the value") ?? new Map();
  const entries: Record<string, Template> = {};
  const template: Template = { kind: "object", entries };
  for (const { key, keyAt, value } of fields.values()) {
    entries[key] = templateOf(context, value);
    context.marks.markKey(template, key, keyAt);
  }
  return context.marks.mark(template, at);
}

/** A list without expressions is one literal; objects stay apart, because their keys have positions. */
function literalsOf(items: readonly Template[]): readonly Json[] | undefined {
  const values = items.map((item) => (item.kind === "literal" ? item.value : undefined));
  return values.every((value) => value !== undefined) ? values : undefined;
}

function scalarTemplate(context: ParseContext, node: Scalar): Template {
  const { value } = node;
  if (typeof value === "string")
    return value.includes("${") ? textTemplate(context, node, value) : { kind: "literal", value };
  if (value === null || typeof value === "boolean") return { kind: "literal", value };
  const exact =
    typeof value === "number" && Number.isFinite(value) && !(Number.isInteger(value) && !Number.isSafeInteger(value));
  if (exact) return { kind: "literal", value };
  report(
    context,
    "definition.bad-number",
    node,
    "this number cannot be carried exactly",
    "Quote it to send it as text.",
  );
  return { kind: "literal", value: null };
}

function textTemplate(context: ParseContext, node: Scalar, value: string): Template {
  const parts = splitText(context, node, value);
  const [first] = parts;
  const meaningful = parts.filter((part) => typeof part !== "string" || part.trim() !== "");
  // A block scalar ends with a line end that its author does not mean: one expression alone keeps its type.
  const [only] = meaningful;
  if (meaningful.length === 1 && only !== undefined && typeof only !== "string")
    return { kind: "expression", expression: only };
  if (parts.length === 1 && typeof first === "string") return { kind: "literal", value: first };
  return { kind: "text", parts };
}

function splitText(context: ParseContext, node: Scalar, value: string): readonly (string | Expression)[] {
  const offsets = scalarOffsets(context.document.source, node, value);
  const parts: (string | Expression)[] = [];
  let text = "";
  let at = 0;
  while (at < value.length) {
    if (value.startsWith("$${", at)) {
      text += "${";
      at += 3;
    } else if (value.startsWith("${", at)) {
      const end = closingBrace(value, at + 2);
      if (end === undefined) {
        context.findings.error(
          "definition.template-open",
          context.document.position(offsets[at] ?? 0),
          "this `${` is never closed",
          closingHint(value),
        );
        return [value];
      }
      if (text !== "") parts.push(text);
      text = "";
      parts.push(expressionAt(context, value, at + 2, end, offsets));
      at = end + 1;
    } else {
      text += value[at++] ?? "";
    }
  }
  return text === "" ? parts : [...parts, text];
}

function closingHint(value: string): string {
  return value.includes("#")
    ? "Close it with `}`."
    : "Close it with `}`. A ` #` in an unquoted value begins a comment: quote it. A literal `${` is written `$${`.";
}

/** The offset of the `}` that ends an expression; braces and quotes inside it are skipped. */
function closingBrace(value: string, from: number): number | undefined {
  let depth = 0;
  let quote: string | undefined;
  for (let at = from; at < value.length; at++) {
    const character = value[at] ?? "";
    if (quote !== undefined) {
      if (character === "\\") at++;
      else if (character === quote) quote = undefined;
    } else if (character === "'" || character === '"') quote = character;
    else if (character === "{") depth++;
    else if (character === "}" && depth-- === 0) return at;
  }
  return undefined;
}

function expressionAt(
  context: ParseContext,
  value: string,
  from: number,
  to: number,
  offsets: readonly number[],
): Expression {
  const inside = value.slice(from, to);
  const start = from + (inside.length - inside.trimStart().length);
  const locate = (offset: number): Position => {
    const within = Math.min(start + offset, offsets.length - 1);
    return context.document.position(offsets[within] ?? offsets[0] ?? 0);
  };
  return context.marks.markExpression({ source: inside.trim(), at: locate(0) }, locate);
}

/** An expression that stands bare, without `${ }`: `if`, `when`, `choose`. Undefined after an error. */
export function bareExpressionOf(context: ParseContext, node: Node, what: string): Expression | undefined {
  if (!isScalar(node) || node.value === null) {
    report(
      context,
      "definition.wrong-type",
      node,
      `${what} must be an expression, is ${kindOf(node)}`,
      "Write it bare: steps.screen.score > 500.",
    );
    return undefined;
  }
  const value = typeof node.value === "string" ? node.value : (node.source ?? String(node.value));
  if (/^\s*\$\{.*\}\s*$/s.test(value)) {
    const bare = value.trim().slice(2, -1).trim();
    report(
      context,
      "definition.bare-expression",
      node,
      `${what} is always an expression`,
      `Write it without \${ }: ${bare}`,
    );
    return undefined;
  }
  return expressionAt(context, value, 0, value.length, scalarOffsets(context.document.source, node, value));
}
