import type { Definition, Position } from "../core/definition.ts";
import { checkCondition, type CheckContext, keyPosition, type Place } from "./check-context.ts";
import { checkInput } from "./check-input.ts";
import { cronProblem, isTimezone, timezonesLike } from "./cron.ts";
import { START } from "./flow.ts";
import { suggest } from "./suggest.ts";
import { ANY, closedObject, STRING } from "./value-type.ts";

/** `start` and `schedule`: what they read, and that what they start with fits the saga's input. */
export function checkStarts(check: CheckContext, definition: Definition, top: (key: string) => Position): void {
  const receiver = { name: definition.name, input: check.input, where: "`input`" };
  const { start, schedule } = definition;
  if (start !== undefined) {
    const place: Place = { flow: START, names: { event: ANY }, bare: true };
    if (start.if !== undefined) checkCondition(check, start.if, place, "`if`");
    checkInput(check, start.input, place, receiver, keyPosition(check, start, "input", top("start")));
  }
  if (schedule !== undefined) {
    const place: Place = { flow: START, names: { schedule: closedObject({ at: STRING }) }, bare: true };
    checkTimes(check, schedule, top("schedule"));
    checkInput(check, schedule.input, place, receiver, keyPosition(check, schedule, "input", top("schedule")));
  }
}

function checkTimes(check: CheckContext, schedule: NonNullable<Definition["schedule"]>, otherwise: Position): void {
  const problem = cronProblem(schedule.cron);
  if (problem !== undefined) {
    const at = keyPosition(check, schedule, "cron", otherwise);
    const hint = 'Five fields: minute, hour, day of the month, month, day of the week: "0 3 1 * *".';
    check.findings.error("definition.bad-cron", at, `\`${schedule.cron}\` is no line of cron: ${problem}`, hint);
  }
  if (isTimezone(schedule.timezone)) return;
  const at = keyPosition(check, schedule, "timezone", otherwise);
  const meant = suggest(schedule.timezone, timezonesLike(schedule.timezone));
  const hint = meant ?? "Write a name of the IANA list: UTC, Asia/Tokyo, Europe/Berlin.";
  check.findings.error("definition.bad-timezone", at, `there is no time zone \`${schedule.timezone}\``, hint);
}
