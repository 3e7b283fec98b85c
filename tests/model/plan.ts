import { FatalError, type Outcome, rejected, type StepContext } from "ekiden";
import { behave } from "../support/lab/lab/behaviour.ts";

/** What a handler does; without one it works at once. `broken`: until it is mended. `hang`, `flaky`: the first time. */
export type Conduct = "reject" | "flaky" | "broken" | "hang" | "slow";

/** What the handlers of one saga, and of its child, do: by the step's path, with `~` before it for its compensation. */
export type Plan = Readonly<Record<string, Conduct>>;

const SLOW_MS = 250;
const mended = new Set<string>();

/** A saga's input carries its plan, so that no handler has to be told before the saga's id is known. */
export function noteOf(id: string, plan: Plan): string {
  return [id, ...Object.entries(plan).map(([path, conduct]) => `${path}=${conduct}`)].join(" ");
}

/** What was broken in a saga works from now on. */
export function mend(id: string): void {
  mended.add(id);
}

/** Lets every handler of the lab follow the plans. */
export function followPlans(): void {
  for (const action of ["one", "two", "three", "tell"])
    behave(action, "*", (context, _tx, input) => follow(input.note, pathOf(context, context.stepKey), context));
  behave("undo", "*", (context, _tx, input) => {
    const { stepKey } = context.compensates ?? { stepKey: context.stepKey };
    return follow(input.note, `~${pathOf(context, stepKey)}`, context);
  });
}

function pathOf({ sagaId }: StepContext, stepKey: string): string {
  return stepKey.slice(sagaId.length + 1);
}

async function follow(
  note: string,
  path: string,
  { attempt, signal }: StepContext,
): Promise<Outcome<{ note: string }> | undefined> {
  const [id = "", ...lines] = note.split(" ");
  const conduct = lines.find((line) => line.startsWith(`${path}=`))?.slice(path.length + 1);
  if (conduct === "reject") return rejected("refused", `${path} says no`);
  if (conduct === "slow") await Bun.sleep(SLOW_MS);
  if (conduct === "broken" && !mended.has(id)) throw new FatalError("broken", { code: "broken" });
  if (attempt > 1) return undefined;
  if (conduct === "flaky") throw new Error("flaky");
  if (conduct === "hang") {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    throw new Error("hung");
  }
  return undefined;
}
