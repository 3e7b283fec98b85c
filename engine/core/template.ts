import type { Expression, Template } from "./definition.ts";
import { ExpressionFault, type Evaluator, type Scope } from "./evaluate.ts";
import type { Json } from "./json.ts";

/** Keys that would reach an object's prototype; no template and no expression may make them. */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/**
 * Fills a template in.
 * @throws ExpressionFault when an expression fails, or gives a list, an object or null where text is joined.
 */
export function renderTemplate(template: Template, scope: Scope, evaluator: Evaluator): Json {
  switch (template.kind) {
    case "literal":
      return template.value;
    case "expression":
      return evaluator.evaluate(template.expression, scope);
    case "text":
      return template.parts.map((part) => textOf(part, scope, evaluator)).join("");
    case "list":
      return template.items.map((item) => renderTemplate(item, scope, evaluator));
    case "object":
      return renderObject(template.entries, scope, evaluator);
  }
}

/** All expressions of a template, in reading order. */
export function expressionsOf(template: Template): readonly Expression[] {
  switch (template.kind) {
    case "literal":
      return [];
    case "expression":
      return [template.expression];
    case "text":
      return template.parts.filter((part) => typeof part !== "string");
    case "list":
      return template.items.flatMap(expressionsOf);
    case "object":
      return Object.values(template.entries).flatMap(expressionsOf);
  }
}

function renderObject(entries: Readonly<Record<string, Template>>, scope: Scope, evaluator: Evaluator): Json {
  const rendered: Record<string, Json> = {};
  for (const [key, entry] of Object.entries(entries)) {
    // The parser refuses these keys; a definition built by hand must not slip past it.
    if (FORBIDDEN_KEYS.has(key)) throw new Error(`template key "${key}" is not allowed`);
    rendered[key] = renderTemplate(entry, scope, evaluator);
  }
  return rendered;
}

function textOf(part: string | Expression, scope: Scope, evaluator: Evaluator): string {
  if (typeof part === "string") return part;
  const value = evaluator.evaluate(part, scope);
  if (typeof value === "string") return value;
  // "null" or "[object Object]" in a mail is a mistake that nobody sees before the customer does.
  if (typeof value === "object") throw new ExpressionFault(part, `${part.source} is no text, number or boolean`);
  return String(value);
}
