import { toJsonSchema } from "@valibot/to-json-schema";
import { type GenericIssue, type GenericSchema, safeParse } from "valibot";
import type { ActionDescription, DomainCatalog, Problem, ValueSchema } from "../core/domain.ts";
import { ruleText } from "../core/issue.ts";
import type { Json } from "../core/json.ts";
import { pointerTo } from "../core/shape.ts";
import type { Domain } from "../sdk.ts";

/** What the loaded domains offer, as data: JSON schemas for the checks, parsers for the participant. */
export function catalogOf(domains: readonly Domain[]): DomainCatalog {
  const actions = new Map<string, ActionDescription>();
  for (const domain of domains) {
    for (const [action, step] of Object.entries(domain.steps)) {
      actions.set(`${domain.name}.${action}`, {
        domain: domain.name,
        action,
        external: step.external === true,
        handled: step.run !== undefined || step.runMany !== undefined,
        input: schemaOf(step.input, "input"),
        ...(step.output === undefined ? {} : { output: schemaOf(step.output, "output") }),
      });
    }
  }
  return { actions };
}

/**
 * A valibot schema as a `ValueSchema`. The JSON schema describes what goes in: a transformation or a rule that JSON
 * Schema cannot say is left to the parser.
 */
export function schemaOf(schema: GenericSchema, typeMode: "input" | "output"): ValueSchema {
  return {
    jsonSchema: toJsonSchema(schema, {
      errorMode: "ignore",
      typeMode,
      target: "draft-2020-12",
      // What a transformation makes is unknown; described by what goes in, the checks would refuse good definitions.
      overrideAction: ({ valibotAction }) =>
        typeMode === "output" && valibotAction.kind === "transformation" ? {} : undefined,
    }) as Json,
    parse: (value) => {
      const parsed = safeParse(schema, value);
      if (parsed.success) return { ok: true, value: parsed.output as Json };
      return { ok: false, problems: parsed.issues.map(problemOf) };
    },
  };
}

/** The message says what is expected and never what came: that may be what `sensitive` hides. */
function problemOf(issue: GenericIssue): Problem {
  const path = (issue.path ?? []).reduce((pointer, item) => pointerTo(pointer, String(item.key)), "");
  return { path, message: messageOf(issue) };
}

function messageOf(issue: GenericIssue): string {
  if (issue.received === "undefined") return "is missing";
  if (issue.expected === "never") return "is not a known field";
  return ruleText(issue);
}
