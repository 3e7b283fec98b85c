import type { Definition } from "../core/definition.ts";
import type { DomainCatalog } from "../core/domain.ts";
import { type Evaluator, ExpressionFault, type Scope } from "../core/evaluate.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { Refusal } from "../core/refusal.ts";
import { renderTemplate } from "../core/template.ts";
import { startViolations } from "../definition/start-violations.ts";

/** A start that may be: its input fits, its business key and labels are made. */
export interface Wanted {
  readonly definition: Definition;
  readonly input: JsonObject;
  readonly key: string | null;
  readonly labels: JsonObject;
}

/** Where and when a saga begins. */
export interface Birth {
  readonly sagaId: string;
  readonly now: Date;
}

/** Checks a start's input and makes key and labels of it. @throws Refusal `saga.input-invalid` */
export function wantedOf(
  definition: Definition,
  input: Json,
  birth: Birth,
  catalog: DomainCatalog,
  evaluator: Evaluator,
): Wanted {
  const problems = startViolations(definition, input, catalog);
  if (problems.length > 0 || !isJsonObject(input)) {
    const message = `the input does not fit ${definition.name}`;
    throw new Refusal("saga.input-invalid", message, "Mend the fields named in errors.", { problems });
  }
  const now = birth.now.toISOString();
  const scope: Scope = {
    input,
    steps: {},
    saga: { id: birth.sagaId, key: null, version: definition.version, startedAt: now, now },
  };
  const text = (template: NonNullable<Definition["key"]>, what: string) => textOf(template, scope, what, evaluator);
  return {
    definition,
    input,
    key: definition.key === undefined ? null : notTooLong(text(definition.key, "key")),
    labels: Object.fromEntries(
      Object.entries(definition.labels).map(([name, label]) => [name, text(label, `label ${name}`)]),
    ),
  };
}

/** As long as a query for it may be; the unique index over open sagas' keys takes no more than 2,700 bytes. */
const KEY_MAX = 500;

function notTooLong(key: string): string {
  if (key.length > KEY_MAX) throw inputRefusal(`key is longer than ${KEY_MAX} characters`);
  return key;
}

function textOf(template: NonNullable<Definition["key"]>, scope: Scope, what: string, evaluator: Evaluator): string {
  try {
    const value = renderTemplate(template, scope, evaluator);
    if (typeof value === "string" && value !== "") return value;
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    throw inputRefusal(`${what} must be text that is not empty, a number or a boolean`);
  } catch (error) {
    if (error instanceof ExpressionFault) throw inputRefusal(`${what}: ${error.message}`);
    throw error;
  }
}

function inputRefusal(message: string): Refusal {
  return new Refusal("saga.input-invalid", message, "The definition makes it of the input; see the YAML.", {
    problems: [{ path: "", message }],
  });
}
