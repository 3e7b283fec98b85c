import { isScalar, type Node } from "yaml";
import type { Retry } from "../core/definition.ts";
import { keysOf } from "./language.ts";
import { checkKeys, type Field, fieldsOf, type ParseContext, report } from "./parse-context.ts";
import { codesOf, durationOf, numberOf } from "./parse-values.ts";

/** What applies where neither step nor `defaults` say anything. */
export const DEFAULT_TIMEOUT_MS = 30_000;
export const DEFAULT_RETRY: Retry = {
  attempts: 5,
  backoffMs: 1000,
  factor: 2,
  maxMs: 60_000,
  jitter: 0,
  also: [],
  never: [],
  then: "park",
};
export const COMPENSATION_ATTEMPTS = 10;

/** `none`, or a map whose keys override those of `base`. */
export function retryOf(context: ParseContext, field: Field | undefined, base: Retry): Retry {
  if (field === undefined) return base;
  const { value } = field;
  if (isScalar(value) && value.value === "none") return { ...base, attempts: 1 };
  const fields = fieldsOf(context, value, "`retry`", "Write `retry: { attempts: 5, backoff: 1s }`, or `retry: none`.");
  if (fields === undefined) return base;
  checkKeys(context, fields, keysOf("retry"));
  const duration = (key: string): number | undefined => given(fields.get(key), (node) => durationOf(context, node));
  const number = (key: string, max: number): number | undefined =>
    given(fields.get(key), (node) =>
      numberOf(context, node, `\`${key}\``, { min: key === "factor" ? 1 : 0, max, whole: false }),
    );
  const codes = (key: string): readonly string[] | undefined =>
    given(fields.get(key), (node) => codesOf(context, node, `\`${key}\``));
  return {
    attempts: given(fields.get("attempts"), (node) => attemptsOf(context, node)) ?? base.attempts,
    backoffMs: duration("backoff") ?? base.backoffMs,
    factor: number("factor", 100) ?? base.factor,
    maxMs: duration("max") ?? base.maxMs,
    jitter: number("jitter", 1) ?? base.jitter,
    also: codes("also") ?? base.also,
    never: codes("never") ?? base.never,
    then: given(fields.get("then"), (node) => thenOf(context, node)) ?? base.then,
  };
}

function given<T>(field: Field | undefined, read: (node: Node) => T): T | undefined {
  return field === undefined ? undefined : read(field.value);
}

function attemptsOf(context: ParseContext, node: Node): number | "forever" | undefined {
  if (isScalar(node) && node.value === "forever") return "forever";
  return numberOf(context, node, "`attempts`", { min: 1, max: 1_000_000, whole: true });
}

function thenOf(context: ParseContext, node: Node): "park" | "compensate" | undefined {
  const value = isScalar(node) ? node.value : undefined;
  if (value === "park" || value === "compensate") return value;
  report(
    context,
    "definition.wrong-type",
    node,
    "`then` must be park or compensate",
    "Write park (wait for a person) or compensate.",
  );
  return undefined;
}
