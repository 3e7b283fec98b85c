import { isMap, isScalar, isSeq, type Node } from "yaml";
import type { Position } from "../core/definition.ts";
import { FORBIDDEN_KEYS } from "../core/template.ts";
import type { DiagnosticCode } from "./diagnostic-codes.ts";
import type { Findings } from "./findings.ts";
import type { Marks } from "./marks.ts";
import { suggest, suggestOrList } from "./suggest.ts";
import type { YamlDocument } from "./yaml-document.ts";

/** What names of sagas, steps, signals, domains, actions and codes look like. */
export const NAME = /^[a-z][a-z0-9_]{0,47}$/;

/** What names of values look like that only expressions read: those of `set`, and the item of an `each`. */
export const VARIABLE = /^[a-z][A-Za-z0-9_]{0,47}$/;

/** What every parse function needs. */
export interface ParseContext {
  readonly document: YamlDocument;
  readonly findings: Findings;
  readonly marks: Marks;
}

/** One key of a mapping. */
export interface Field {
  readonly key: string;
  readonly keyAt: Position;
  readonly value: Node;
}

/** A mapping's keys, in file order. */
export type Fields = ReadonlyMap<string, Field>;

export function positionOf(context: ParseContext, node: Node): Position {
  return context.document.position(node.range?.[0] ?? 0);
}

export function report(context: ParseContext, code: DiagnosticCode, node: Node, message: string, hint: string): void {
  context.findings.error(code, positionOf(context, node), message, hint);
}

/** The mapping's fields; `what` names the node in the message when it is no mapping. Undefined after an error. */
export function fieldsOf(
  context: ParseContext,
  node: Node,
  what: string,
  hint = "Write `key: value` lines.",
): Fields | undefined {
  if (!isMap(node)) {
    report(context, "definition.wrong-type", node, `${what} must be a map of keys, is ${kindOf(node)}`, hint);
    return undefined;
  }
  const fields = new Map<string, Field>();
  for (const pair of node.items) {
    const { key, value } = pair;
    const name = isScalar(key) ? String(key.value) : "";
    if (!isScalar(key)) {
      report(
        context,
        "definition.wrong-type",
        key as Node,
        "a key must be plain text",
        "Remove the `?`, brackets or braces.",
      );
    } else if (FORBIDDEN_KEYS.has(name)) {
      report(context, "definition.forbidden-key", key, `\`${name}\` cannot be used as a key`, "Choose another name.");
    } else {
      // `key:` with nothing behind it has a null scalar in the tree; its place is the key's.
      fields.set(name, { key: name, keyAt: positionOf(context, key), value: (value ?? key) as Node });
    }
  }
  return fields;
}

/** Reports keys outside `known`. `habits`: what to write instead of those that are near none of them. */
export function checkKeys(
  context: ParseContext,
  fields: Fields,
  known: readonly string[],
  habits?: ReadonlyMap<string, string>,
): void {
  for (const { key, keyAt } of fields.values()) {
    if (known.includes(key)) continue;
    const hint = suggest(key, known) ?? habits?.get(key) ?? suggestOrList(key, known);
    context.findings.error("definition.unknown-key", keyAt, `there is no key \`${key}\` here`, hint);
  }
}

/** Reports that a key is missing from the map at `node`. */
export function requireKey(
  context: ParseContext,
  fields: Fields,
  key: string,
  node: Node,
  owner: string,
  hint: string,
): void {
  if (fields.has(key)) return;
  report(context, "definition.missing-key", node, `${owner} needs \`${key}\``, hint);
}

/** Reads a key's value where the key is there. */
export function take<T>(fields: Fields, key: string, read: (field: Field) => T | undefined): T | undefined {
  const field = fields.get(key);
  return field === undefined ? undefined : read(field);
}

/** The items of a list, or undefined after an error. */
export function itemsOf(context: ParseContext, node: Node, what: string): readonly Node[] | undefined {
  if (isSeq(node)) return node.items as Node[];
  report(
    context,
    "definition.wrong-type",
    node,
    `${what} must be a list, is ${kindOf(node)}`,
    "Start each item with `- `.",
  );
  return undefined;
}

export function kindOf(node: Node): string {
  if (isMap(node)) return "a map";
  if (isSeq(node)) return "a list";
  if (!isScalar(node) || node.value === null) return "empty";
  return typeof node.value === "string" ? "text" : `a ${typeof node.value}`;
}
