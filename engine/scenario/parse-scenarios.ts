import type { Node } from "yaml";

import type { Definition } from "../core/definition.ts";
import type { DomainCatalog } from "../core/domain.ts";
import type { JsonObject } from "../core/json.ts";
import type { Diagnostic } from "../definition/diagnostic.ts";
import { Findings } from "../definition/findings.ts";
import { Marks } from "../definition/marks.ts";
import { checkKeys, type Fields, fieldsOf, itemsOf, positionOf, report } from "../definition/parse-context.ts";
import { textOf } from "../definition/parse-values.ts";
import { readYaml } from "../definition/yaml-document.ts";
import { sampleOfShape } from "../simulate/sample.ts";
import { StepWords } from "../simulate/step-words.ts";
import { expectedOf } from "./parse-expected.ts";
import {
  changed,
  dateAt,
  demandStartable,
  inputAt,
  outcomesAt,
  type ScenarioContext,
  signalsAt,
  timeAt,
} from "./parse-given.ts";
import type { Scenario } from "./scenario.ts";

/** The definition that the scenarios are about. */
export interface Subject {
  readonly definition: Definition;
  readonly catalog: DomainCatalog;
  readonly readJson: ScenarioContext["readJson"];
}

export interface ParsedScenarios {
  readonly scenarios: readonly Scenario[];
  readonly diagnostics: readonly Diagnostic[];
}

const TOP_KEYS = ["description", "input", "scenarios"];
const KEYS = ["name", "description", "input", "change", "given", "signals", "cancel", "until", "start", "expect"];

/** Reads a `*.test.yaml` against its definition; everything that is wrong in it is a diagnostic with its place. */
export function parseScenarios(source: string, subject: Subject): ParsedScenarios {
  const findings = new Findings();
  const document = readYaml(source, findings);
  if (document === undefined) return { scenarios: [], diagnostics: findings.list() };
  if (document.root === null) {
    const hint = "Begin with `scenarios:`.";
    findings.error("definition.missing-key", { line: 1, column: 1 }, "the file is empty", hint);
    return { scenarios: [], diagnostics: findings.list() };
  }
  const words = new StepWords(subject.definition);
  const context: ScenarioContext = { document, findings, marks: new Marks(), words, ...subject };
  const scenarios = scenariosOf(context, document.root);
  return { scenarios, diagnostics: findings.list() };
}

function scenariosOf(context: ScenarioContext, root: Node): readonly Scenario[] {
  const fields = fieldsOf(context, root, "a file of scenarios");
  if (fields === undefined) return [];
  checkKeys(context, fields, TOP_KEYS);
  const input = inputAt(context, fields.get("input"));
  const list = fields.get("scenarios");
  if (list === undefined) {
    const hint = "Write `scenarios:` and below it a list; each begins with `- name:`.";
    report(context, "definition.missing-key", root, "there are no `scenarios`", hint);
    return [];
  }
  const names = new Set<string>();
  return (itemsOf(context, list.value, "`scenarios`") ?? []).flatMap((node) => scenarioOf(context, node, input, names));
}

function scenarioOf(
  context: ScenarioContext,
  node: Node,
  defaultInput: JsonObject | undefined,
  names: Set<string>,
): readonly Scenario[] {
  const fields = fieldsOf(context, node, "a scenario");
  if (fields === undefined) return [];
  checkKeys(context, fields, KEYS);
  const expect = fields.get("expect");
  if (expect === undefined)
    report(context, "definition.missing-key", node, "the scenario has no `expect`", "Say what must come of it.");
  const name = scenarioName(context, node, fields, names);
  const plan = planOf(context, node, fields, defaultInput);
  if (name === undefined || expect === undefined) return [];
  return [{ name, at: positionOf(context, node), plan, expected: expectedOf(context, expect.value) }];
}

function scenarioName(context: ScenarioContext, node: Node, fields: Fields, names: Set<string>): string | undefined {
  const field = fields.get("name");
  if (field === undefined) {
    report(context, "definition.missing-key", node, "the scenario has no `name`", "Say in a sentence what it shows.");
    return undefined;
  }
  const name = textOf(context, field.value, "`name`");
  if (name !== undefined && names.has(name))
    report(context, "definition.duplicate-key", field.value, `two scenarios are called "${name}"`, "Rename one.");
  if (name !== undefined) names.add(name);
  return name;
}

function planOf(
  context: ScenarioContext,
  node: Node,
  fields: Fields,
  defaultInput: JsonObject | undefined,
): Scenario["plan"] {
  const given = inputAt(context, fields.get("input")) ?? defaultInput;
  const made = given ?? (sampleOfShape(context.definition.input) as JsonObject);
  const input = changed(context, made, fields.get("change"));
  // Where the file of the input could not be read, that has been said already.
  const source = fields.get("change") ?? fields.get("input");
  if (!context.findings.hasErrors || given !== undefined) demandStartable(context, input, source?.value ?? node);
  const cancelAtMs = timeAt(context, fields.get("cancel"));
  const untilMs = timeAt(context, fields.get("until"));
  const startedAt = dateAt(context, fields.get("start"));
  return {
    input,
    outcomes: outcomesAt(context, fields.get("given")),
    signals: signalsAt(context, fields.get("signals")),
    ...(cancelAtMs === undefined ? {} : { cancelAtMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(startedAt === undefined ? {} : { startedAt }),
  };
}
