import type { Position } from "../core/definition.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import { durationText } from "../simulate/plan.ts";
import type { Run } from "../simulate/story.ts";
import type { Expected, Scenario } from "./scenario.ts";

/** Something that came otherwise than expected; `lines` show how. */
export interface Mismatch {
  readonly at: Position;
  readonly message: string;
  readonly lines: readonly string[];
}

/** Compares what a scenario expects with what came of it. Empty: it is as expected. */
export function mismatches({ at, expected }: Scenario, run: Run): Mismatch[] {
  const { steps, status, output, error, uncompensated, waiting, afterMs, sent = [] } = expected;
  const found = [
    status && differs(status.at, "status", status.value, run.status),
    steps && listDiffers(steps.at, "steps", steps.value, run.steps),
    error && errorDiffers(error.at, error.value, run),
    output && differs(output.at, "output", output.value, run.output),
    uncompensated &&
      listDiffers(
        uncompensated.at,
        "uncompensated",
        uncompensated.value,
        run.uncompensated.map(({ step }) => step),
      ),
    waiting && listDiffers(waiting.at, "waiting", waiting.value, run.waitingFor),
    afterMs && differs(afterMs.at, "after", durationText(afterMs.value), durationText(run.endedAtMs)),
    ...sent.map((each) => sentDiffers(each, run)),
    ...run.unused.map((what) => ({ at, message: `${what} is given and never happens`, lines: [] })),
  ];
  return found.filter((each) => each !== undefined);
}

function differs(at: Position, what: string, wanted: Json, got: Json | undefined): Mismatch | undefined {
  if (Bun.deepEquals(wanted, got ?? null)) return undefined;
  return { at, message: `${what} is not as expected`, lines: [`- ${text(wanted)}`, `+ ${text(got)}`] };
}

function text(value: Json | undefined): string {
  if (value === undefined) return "none";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function listDiffers(
  at: Position,
  what: string,
  wanted: readonly string[],
  got: readonly string[],
): Mismatch | undefined {
  if (Bun.deepEquals(wanted, got)) return undefined;
  return { at, message: `${what}: - is expected, + has come`, lines: difference(wanted, got) };
}

function errorDiffers(
  at: Position,
  wanted: NonNullable<Expected["error"]>["value"],
  { error }: Run,
): Mismatch | undefined {
  if (error === undefined) return { at, message: "there is no error", lines: [`- ${text(wanted.code)}`, "+ none"] };
  const got = Object.fromEntries(Object.keys(wanted).map((name) => [name, error[name as keyof typeof error]]));
  return differs(at, "error", { ...wanted }, got);
}

/** The newest message to a step holds these fields; others are not looked at. */
function sentDiffers(
  { step, fields, at }: NonNullable<Expected["sent"]>[number],
  { entries }: Run,
): Mismatch | undefined {
  const sent = entries.findLast((entry) => entry.kind === "sent" && entry.step === step)?.data;
  if (sent === undefined) return { at, message: `nothing was sent to ${step}`, lines: [] };
  if (holds(sent, fields)) return undefined;
  return {
    at,
    message: `what was sent to ${step} is not as expected`,
    lines: [`- ${text(fields)}`, `+ ${text(sent)}`],
  };
}

function holds(value: Json | undefined, wanted: Json): boolean {
  if (!isJsonObject(wanted) || !isJsonObject(value)) return Bun.deepEquals(value, wanted);
  return Object.entries(wanted).every(([name, field]) => Object.hasOwn(value, name) && holds(value[name], field));
}

/** Both lists as one: what they share, `-` what is missing, `+` what is too much, by their longest common part. */
export function difference(wanted: readonly string[], got: readonly string[]): string[] {
  const common = commonLengths(wanted, got);
  const lines: string[] = [];
  let [left, right] = [0, 0];
  while (left < wanted.length || right < got.length) {
    const [one, other] = [wanted[left], got[right]];
    const without = common[left + 1]?.[right] ?? -1;
    const within = common[left]?.[right + 1] ?? -1;
    if (one !== undefined && one === other) {
      lines.push(`  ${one}`);
      left++;
      right++;
    } else if (one !== undefined && (other === undefined || without >= within)) {
      lines.push(`- ${one}`);
      left++;
    } else {
      lines.push(`+ ${other}`);
      right++;
    }
  }
  return lines;
}

/** How long the common part is of what follows each pair of places. */
function commonLengths(wanted: readonly string[], got: readonly string[]): number[][] {
  const table = Array.from({ length: wanted.length + 1 }, () => Array<number>(got.length + 1).fill(0));
  for (let left = wanted.length - 1; left >= 0; left--) {
    for (let right = got.length - 1; right >= 0; right--) {
      const row = table[left] as number[];
      const below = table[left + 1] as number[];
      row[right] =
        wanted[left] === got[right] ? (below[right + 1] ?? 0) + 1 : Math.max(below[right] ?? 0, row[right + 1] ?? 0);
    }
  }
  return table;
}
