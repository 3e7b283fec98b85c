import type { EndStep, SetStep, SleepStep } from "../core/definition.ts";
import { isDate } from "../core/shape.ts";
import { type CheckContext, keyPosition, type Place, typeOfTemplate } from "./check-context.ts";
import type { Surroundings } from "./check-steps.ts";
import { type Flow, withVars } from "./flow.ts";
import { couldBe, describeType, type ValueType } from "./value-type.ts";

const DATE_HINT = "Write a date, or a date-time with its offset, in ISO 8601: 2027-01-31T09:00:00Z.";

/** `until` is text, and a date where the file says which. */
export function checkSleep(check: CheckContext, step: SleepStep, place: Place): Flow {
  if (step.until === undefined) return place.flow;
  const type = typeOfTemplate(check, step.until, place);
  const at = step.until.kind === "expression" ? step.until.expression.at : keyPosition(check, step, "sleep", step.at);
  const where = check.marks.of(step.until, at);
  if (!couldBe(type, "string")) {
    const message = `\`until\` must be a date, is ${describeType(type)}`;
    check.findings.error("definition.bad-date", where, message, DATE_HINT);
  } else if (type.kind === "string" && type.values !== undefined && !type.values.some(isDate)) {
    const message = `\`until\` must be a date, ${describeType(type)} is none`;
    check.findings.error("definition.bad-date", where, message, DATE_HINT);
  }
  return place.flow;
}

/** Each name is written once: a value that changed would have to be read in the order of a history. */
export function checkSet(check: CheckContext, step: SetStep, place: Place, around: Surroundings): Flow {
  const written = new Map<string, ValueType>();
  for (const [name, value] of Object.entries(step.values)) {
    const problem = twice(check, step, name, place, around);
    if (problem !== undefined) {
      const at = check.marks.ofKey(step.values, name, step.at);
      check.findings.error("definition.set-twice", at, `\`vars.${name}\` ${problem.message}`, problem.hint);
    }
    written.set(name, typeOfTemplate(check, value, place));
  }
  return withVars(place.flow, written);
}

interface SetProblem {
  readonly message: string;
  readonly hint: string;
}

function twice(
  check: CheckContext,
  step: SetStep,
  name: string,
  place: Place,
  around: Surroundings,
): SetProblem | undefined {
  const hint = "A value is written once: give this one another name.";
  if (place.flow.vars.has(name)) return { message: "was written before, or may have been", hint };
  // When the list runs, all that comes behind the step may have run.
  const other = around.inside === "compensate" ? check.sets.get(name)?.find((each) => each !== step) : undefined;
  return other === undefined ? undefined : { message: `is written at line ${other.at.line} too`, hint };
}

/** Nothing comes after it. */
export function checkEnd(check: CheckContext, step: EndStep, place: Place, around: Surroundings): null {
  if (around.inside !== undefined && around.inside !== "compensate") {
    const message = `\`end\` cannot stand inside \`${around.inside}\`: the other branches still run`;
    const hint = "Let the block end, and `end` behind it; or `fail`.";
    check.findings.error("definition.end-in-block", keyPosition(check, step, "end", step.at), message, hint);
  }
  const output = step.output === undefined ? undefined : typeOfTemplate(check, step.output, place);
  check.ends.push({ flow: place.flow, output });
  return null;
}
