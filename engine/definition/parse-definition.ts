import type { Node } from "yaml";
import type { Definition, Shape, Template } from "../core/definition.ts";
import { keysOf } from "./language.ts";
import {
  checkKeys,
  type Field,
  type Fields,
  fieldsOf,
  itemsOf,
  NAME,
  type ParseContext,
  positionOf,
  take,
} from "./parse-context.ts";
import { DEFAULT_RETRY, DEFAULT_TIMEOUT_MS, retryOf } from "./parse-retry.ts";
import { shapeOf } from "./parse-shape.ts";
import { scheduleOf, startOf } from "./parse-starts.ts";
import { type Defaults, stepsOf } from "./parse-steps.ts";
import { templateOf } from "./parse-template.ts";
import { durationOf, nameHint, nameOf, numberOf, textOf } from "./parse-values.ts";

const NO_INPUT: Shape = { kind: "object", optional: false, fields: {} };

/** The file's mapping as a definition; undefined when a part without which there is none is missing. */
export function definitionOf(context: ParseContext, root: Node, revision: string): Definition | undefined {
  const fields = fieldsOf(context, root, "a saga file");
  if (fields === undefined) return undefined;
  checkKeys(context, fields, keysOf("file"));
  requireKeys(context, fields, root);
  const name = take(fields, "saga", ({ value }) => nameOf(context, value, "a saga"));
  const version = take(fields, "version", ({ value }) =>
    numberOf(context, value, "`version`", { min: 1, max: 2_147_483_647, whole: true }),
  );
  const parts = optionalParts(context, fields);
  const defaults = defaultsOf(context, fields.get("defaults"));
  const steps = take(fields, "steps", ({ value }) =>
    stepsOf({ ...context, defaults, names: new Map(), count: { steps: 0 } }, value, "`steps`"),
  );
  if (name === undefined || version === undefined || steps === undefined) return undefined;
  const definition = { name, version, revision, steps, ...parts };
  for (const { key, keyAt } of fields.values()) context.marks.markKey(definition, key, keyAt);
  return context.marks.mark(definition, positionOf(context, root));
}

function requireKeys(context: ParseContext, fields: Fields, root: Node): void {
  for (const key of ["saga", "version", "steps"]) {
    if (fields.has(key)) continue;
    const hint =
      { saga: "Add `saga: some_name`.", version: "Add `version: 1`." }[key] ?? "Add `steps:` with a list of steps.";
    context.findings.error("definition.missing-key", positionOf(context, root), `the file has no \`${key}\``, hint);
  }
}

type Parts = Omit<Definition, "name" | "version" | "revision" | "steps">;

function optionalParts(context: ParseContext, fields: Fields): Parts {
  const description = take(fields, "description", ({ value }) => textOf(context, value, "`description`"));
  const key = take(fields, "key", ({ value }) => templateOf(context, value));
  const deadlineMs = take(fields, "deadline", ({ value }) => durationOf(context, value));
  const start = take(fields, "start", ({ value }) => startOf(context, value));
  const schedule = take(fields, "schedule", ({ value }) => scheduleOf(context, value));
  const output = take(fields, "output", ({ value }) => templateOf(context, value));
  return {
    input: take(fields, "input", (field) => inputOf(context, field)) ?? NO_INPUT,
    labels: take(fields, "labels", ({ value }) => labelsOf(context, value)) ?? {},
    sensitive: take(fields, "sensitive", ({ value }) => pathsOf(context, value)) ?? [],
    ...(description === undefined ? {} : { description }),
    ...(key === undefined ? {} : { key }),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(start === undefined ? {} : { start }),
    ...(schedule === undefined ? {} : { schedule }),
    ...(output === undefined ? {} : { output }),
  };
}

function inputOf(context: ParseContext, field: Field): Shape | undefined {
  const shape = shapeOf(context, field.value);
  if (shape.kind === "object" || context.findings.hasErrors) return shape;
  const hint = "Give it fields: a map below `input:`.";
  context.findings.error("definition.bad-shape", positionOf(context, field.value), "`input` must be an object", hint);
  return undefined;
}

function labelsOf(context: ParseContext, node: Node): Readonly<Record<string, Template>> {
  const labels: Record<string, Template> = {};
  for (const { key, keyAt, value } of fieldsOf(context, node, "`labels`")?.values() ?? []) {
    if (!NAME.test(key))
      context.findings.error("definition.bad-name", keyAt, `\`${key}\` is no name for a label`, nameHint(key));
    labels[key] = templateOf(context, value);
  }
  return labels;
}

function pathsOf(context: ParseContext, node: Node): readonly string[] {
  const items = itemsOf(context, node, "`sensitive`") ?? [];
  const paths = items.map((item) => textOf(context, item, "a path")).filter((path) => path !== undefined);
  for (const item of items)
    context.marks.markKey(paths, String("value" in item ? item.value : ""), positionOf(context, item));
  return paths;
}

function defaultsOf(context: ParseContext, field: Field | undefined): Defaults {
  const fields = field === undefined ? undefined : fieldsOf(context, field.value, "`defaults`");
  if (fields === undefined) return { timeoutMs: DEFAULT_TIMEOUT_MS, retry: DEFAULT_RETRY };
  checkKeys(context, fields, keysOf("defaults"));
  return {
    timeoutMs: take(fields, "timeout", ({ value }) => durationOf(context, value)) ?? DEFAULT_TIMEOUT_MS,
    retry: retryOf(context, fields.get("retry"), DEFAULT_RETRY),
  };
}
