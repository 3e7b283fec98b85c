import { isMap, isScalar, type Node } from "yaml";
import type { Schedule, StartOn, Template } from "../core/definition.ts";
import { keysOf } from "./language.ts";
import {
  checkKeys,
  type Fields,
  fieldsOf,
  type ParseContext,
  positionOf,
  report,
  requireKey,
  take,
} from "./parse-context.ts";
import { bareExpressionOf, templateOf } from "./parse-template.ts";
import { textOf } from "./parse-values.ts";

/** What Kafka takes for a topic's name. */
const TOPIC = /^[A-Za-z0-9._-]{1,249}$/;

/** `start`: the topic, an optional condition and the saga's input, both over `event`. */
export function startOf(context: ParseContext, node: Node): StartOn | undefined {
  const fields = fieldsOf(context, node, "`start`");
  if (fields === undefined) return undefined;
  checkKeys(context, fields, keysOf("start"));
  requireKey(context, fields, "topic", node, "`start`", "Add topic: some.topic.");
  requireKey(context, fields, "input", node, "`start`", "Add `input:` with what the saga starts with: ${ event }.");
  const topic = take(fields, "topic", ({ value }) => topicOf(context, value));
  const condition = take(fields, "if", ({ value }) => bareExpressionOf(context, value, "`if`"));
  const input = take(fields, "input", ({ value }) => templateOf(context, value));
  if (topic === undefined || input === undefined) return undefined;
  return marked(context, node, fields, { topic, input, ...(condition === undefined ? {} : { if: condition }) });
}

function topicOf(context: ParseContext, node: Node): string | undefined {
  const topic = textOf(context, node, "`topic`");
  if (topic === undefined || (TOPIC.test(topic) && topic !== "." && topic !== "..")) return topic;
  const hint = "Letters, digits, `.`, `_` and `-`, at most 249.";
  report(context, "definition.bad-name", node, `\`${topic}\` is no name for a topic`, hint);
  return undefined;
}

/** `schedule`: a cron line, or a map with it. */
export function scheduleOf(context: ParseContext, node: Node): Schedule | undefined {
  if (!isMap(node)) {
    const cron = textOf(context, node, "`schedule`");
    return cron === undefined ? undefined : context.marks.mark({ cron, ...DEFAULTS }, positionOf(context, node));
  }
  const fields = fieldsOf(context, node, "`schedule`") ?? new Map();
  checkKeys(context, fields, keysOf("schedule"));
  requireKey(context, fields, "cron", node, "`schedule`", 'Add cron: "0 3 * * *".');
  const cron = take(fields, "cron", ({ value }) => textOf(context, value, "`cron`"));
  const parts = {
    timezone: take(fields, "timezone", ({ value }) => textOf(context, value, "`timezone`")) ?? DEFAULTS.timezone,
    overlap: take(fields, "overlap", ({ value }) => overlapOf(context, value)) ?? DEFAULTS.overlap,
    input: take(fields, "input", ({ value }) => templateOf(context, value)) ?? DEFAULTS.input,
  };
  return cron === undefined ? undefined : marked(context, node, fields, { cron, ...parts });
}

const NOTHING: Template = { kind: "literal", value: {} };
const DEFAULTS = { timezone: "UTC", overlap: "skip", input: NOTHING } as const;

function overlapOf(context: ParseContext, node: Node): Schedule["overlap"] | undefined {
  const value = isScalar(node) ? node.value : undefined;
  if (value === "skip" || value === "queue" || value === "allow") return value;
  const hint = "Write skip (leave this time out), queue (start when the other has ended) or allow (start both).";
  report(context, "definition.wrong-type", node, "`overlap` must be skip, queue or allow", hint);
  return undefined;
}

function marked<T extends object>(context: ParseContext, node: Node, fields: Fields, object: T): T {
  for (const { key, value } of fields.values()) context.marks.markKey(object, key, positionOf(context, value));
  return context.marks.mark(object, positionOf(context, node));
}
