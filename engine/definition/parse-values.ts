import { isScalar, isSeq, type Node } from "yaml";
import type { Position } from "../core/definition.ts";
import { FORBIDDEN_KEYS } from "../core/template.ts";
import { durationMs } from "./duration.ts";
import { itemsOf, kindOf, NAME, type ParseContext, positionOf, report, VARIABLE } from "./parse-context.ts";

/** Text, or undefined after an error. */
export function textOf(
  context: ParseContext,
  node: Node,
  what: string,
  hint = "Write text; quote it if it looks like a number.",
): string | undefined {
  if (isScalar(node) && typeof node.value === "string" && node.value !== "") return node.value;
  report(context, "definition.wrong-type", node, `${what} must be text, is ${kindOf(node)}`, hint);
  return undefined;
}

export function nameOf(context: ParseContext, node: Node, what: string): string | undefined {
  const text = textOf(context, node, what);
  if (text === undefined || NAME.test(text)) return text;
  report(context, "definition.bad-name", node, `\`${text}\` is no name for ${what}`, nameHint(text));
  return undefined;
}

/** The name of something that only expressions read. */
export function variableOf(context: ParseContext, node: Node, what: string): string | undefined {
  const text = textOf(context, node, what);
  if (text === undefined || (VARIABLE.test(text) && !FORBIDDEN_KEYS.has(text))) return text;
  reportVariable(context, text, positionOf(context, node), what);
  return undefined;
}

export function reportVariable(context: ParseContext, text: string, at: Position, what: string): void {
  const hint = "Letters, digits and _, a small letter first, at most 48.";
  context.findings.error("definition.bad-name", at, `\`${text}\` is no name for ${what}`, hint);
}

/** How to mend a name. */
export function nameHint(text: string): string {
  const mended = text
    .slice(0, 100)
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^[^a-z]+|_+$/g, "")
    .slice(0, 48);
  return `Small letters, digits and _, at most 48${NAME.test(mended) && mended !== text ? `: ${mended}` : ""}.`;
}

/** `domain.action`. */
export function commandOf(context: ParseContext, node: Node, what: string, hint?: string): string | undefined {
  const text = textOf(context, node, what, hint);
  if (text === undefined) return undefined;
  const [domain = "", action = "", ...rest] = text.split(".");
  if (NAME.test(domain) && NAME.test(action) && rest.length === 0) return text;
  report(
    context,
    "definition.bad-name",
    node,
    `\`${text}\` is no command`,
    "A command is domain.action, e.g. screening.examine.",
  );
  return undefined;
}

export function booleanOf(context: ParseContext, node: Node, what: string): boolean | undefined {
  if (isScalar(node) && typeof node.value === "boolean") return node.value;
  report(
    context,
    "definition.wrong-type",
    node,
    `${what} must be true or false, is ${kindOf(node)}`,
    "Write true or false, without quotes.",
  );
  return undefined;
}

/** `otherwise`: what else could have been meant. */
export function durationOf(context: ParseContext, node: Node, otherwise = ""): number | undefined {
  const value = isScalar(node) ? node.value : undefined;
  const ms = typeof value === "string" ? durationMs(value) : undefined;
  if (ms !== undefined) return ms;
  const written = typeof value === "string" || typeof value === "number" ? `\`${value}\`` : kindOf(node);
  const hint =
    typeof value === "number"
      ? `Add a unit: ${value}s.`
      : `Write 300ms, 30s, 2m, 3h, 1d or ISO 8601 (PT30S), between 1 ms and 10 years.${otherwise}`;
  report(context, "definition.bad-duration", node, `${written} is no duration`, hint);
  return undefined;
}

/** Bounds of a number in the YAML. */
export interface NumberRule {
  readonly min: number;
  readonly max: number;
  readonly whole: boolean;
}

export function numberOf(context: ParseContext, node: Node, what: string, rule: NumberRule): number | undefined {
  const value = isScalar(node) ? node.value : undefined;
  const sound =
    typeof value === "number" && value >= rule.min && value <= rule.max && (!rule.whole || Number.isInteger(value));
  if (sound) return value;
  const range = `${rule.whole ? "a whole number" : "a number"} from ${rule.min} to ${rule.max}`;
  report(context, "definition.bad-number", node, `${what} must be ${range}`, `Write ${range}.`);
  return undefined;
}

/** A list of codes; one code may stand without brackets. */
export function codesOf(context: ParseContext, node: Node, what: string): readonly string[] {
  const items = isSeq(node) ? itemsOf(context, node, what) : [node];
  return (items ?? []).map((item) => nameOf(context, item, "a code")).filter((code) => code !== undefined);
}
