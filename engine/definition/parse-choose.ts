import { isMap, isScalar, isSeq, type Node } from "yaml";
import type { ChooseBranch, ChooseStep, Step } from "../core/definition.ts";
import type { Json } from "../core/json.ts";
import { checkKeys, type Field, type Fields, fieldsOf, itemsOf, NAME, positionOf, report } from "./parse-context.ts";
import { type StepCommon, type StepContext, stepsOf } from "./parse-steps.ts";
import { bareExpressionOf } from "./parse-template.ts";

const CHOICE = "Write `- when: …` and `then: […]`, or `- else: […]`.";

/** Both forms of `choose`: an expression with `cases`, or a list of `when`/`then`. */
export function chooseStep(context: StepContext, common: StepCommon, fields: Fields): ChooseStep | undefined {
  const choose = fields.get("choose");
  if (choose === undefined) return undefined;
  return isSeq(choose.value) ? listForm(context, common, fields, choose) : caseForm(context, common, fields, choose);
}

function caseForm(context: StepContext, common: StepCommon, fields: Fields, choose: Field): ChooseStep | undefined {
  if (isMap(choose.value)) {
    const message = "`choose` must be an expression or a list, is a map";
    report(context, "definition.wrong-type", choose.value, message, `Begin each choice with a dash. ${CHOICE}`);
    return undefined;
  }
  const subject = bareExpressionOf(context, choose.value, "`choose`");
  const cases = fields.get("cases");
  if (cases === undefined) {
    const hint = "Add `cases:`, a map from each value to its steps.";
    context.findings.error("definition.missing-key", choose.keyAt, "`choose` over an expression needs `cases`", hint);
    return undefined;
  }
  const branches = casesOf(context, cases.value);
  const otherwise = fields.get("else");
  const elseSteps = otherwise === undefined ? undefined : stepsOf(context, otherwise.value, "`else`");
  if (subject === undefined) return undefined;
  return { kind: "choose", ...common, subject, branches, ...(elseSteps === undefined ? {} : { else: elseSteps }) };
}

function casesOf(context: StepContext, node: Node): readonly ChooseBranch[] {
  const fields = fieldsOf(context, node, "`cases`");
  const keys = fields === undefined ? [] : [...fields.values()];
  return keys.map(({ key, keyAt, value }, index) => {
    const branch = {
      id: caseId(key, index, fields ?? new Map()),
      equals: caseValue(node, key),
      steps: stepsOf(context, value, `the case \`${key}\``),
    };
    return context.marks.mark(branch, keyAt);
  });
}

/** A case's name is a path segment; a value that cannot be one gets its position, under a name that no case has. */
function caseId(key: string, index: number, cases: Fields): string {
  if (NAME.test(key) && key !== "else") return key;
  let id = `case${index}`;
  while (cases.has(id)) id += "_";
  return id;
}

/** `true:` is the boolean and `"true":` the text, as everywhere in YAML. */
function caseValue(node: Node, key: string): Json {
  for (const pair of isMap(node) ? node.items : []) {
    const scalar = pair.key;
    if (!isScalar(scalar) || String(scalar.value) !== key) continue;
    const { value } = scalar;
    if (value === null || typeof value === "boolean" || typeof value === "number") return value;
  }
  return key;
}

function listForm(context: StepContext, common: StepCommon, fields: Fields, choose: Field): ChooseStep {
  for (const key of ["cases", "else"]) {
    const misplaced = fields.get(key);
    if (misplaced === undefined) continue;
    const hint =
      key === "else" ? "Make it the last item of the list: `- else: […]`." : "Use either the list or `cases`.";
    context.findings.error(
      "definition.misplaced-key",
      misplaced.keyAt,
      `a \`choose\` with a list cannot have \`${key}\``,
      hint,
    );
  }
  const branches: ChooseBranch[] = [];
  let otherwise: readonly Step[] | undefined;
  for (const [index, item] of (itemsOf(context, choose.value, "`choose`") ?? []).entries()) {
    if (otherwise !== undefined)
      report(context, "definition.misplaced-key", item, "nothing can follow `else`", "Move `else` to the end.");
    const read = listItem(context, item, index);
    if (read === undefined) continue;
    if ("id" in read) branches.push(read);
    else otherwise = read.otherwise;
  }
  return { kind: "choose", ...common, branches, ...(otherwise === undefined ? {} : { else: otherwise }) };
}

function listItem(
  context: StepContext,
  item: Node,
  index: number,
): ChooseBranch | { readonly otherwise: readonly Step[] } | undefined {
  const fields = fieldsOf(context, item, "a choice", CHOICE);
  if (fields === undefined) return undefined;
  const otherwise = fields.get("else");
  if (otherwise !== undefined) {
    checkKeys(context, fields, ["else"]);
    return { otherwise: stepsOf(context, otherwise.value, "`else`") };
  }
  checkKeys(context, fields, ["when", "then"]);
  const when = fields.get("when");
  const then = fields.get("then");
  if (when === undefined || then === undefined) {
    const missing = when === undefined ? "when" : "then";
    report(context, "definition.missing-key", item, `a choice needs \`${missing}\``, CHOICE);
    return undefined;
  }
  const condition = bareExpressionOf(context, when.value, "`when`");
  const steps = stepsOf(context, then.value, "`then`");
  if (condition === undefined) return undefined;
  return context.marks.mark({ id: `when${index}`, when: condition, steps }, positionOf(context, when.value));
}
