import * as v from "valibot";

import { ConsumerGroupList } from "../../api/group-schema.ts";
import { HealthReport } from "../../api/health-schema.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { exchange, type Reply } from "../client.ts";
import { fault, type Finding, fine } from "../../recovery/doctor/finding.ts";

const ANSWER_MS = 10_000;

/** What a running engine says of itself. `runs`: there is one at EKIDEN_URL. */
export async function engineChecks(): Promise<{ readonly runs: boolean; readonly findings: readonly Finding[] }> {
  try {
    const [ready, groups] = await Promise.all([ask("/health/ready"), ask("/v1/consumer-groups")]);
    const health = v.safeParse(HealthReport, ready.answer);
    if (!health.success) throw new CliError(EXIT.refused, "it answers in another form: is it of this version?");
    if (groups.status === 401 || groups.status === 403) return { runs: true, findings: [unnamed(health.output)] };
    const red = health.output.parts.filter(({ ok }) => !ok);
    const own = red.map(({ part, detail, hint }) => fault("red", "engine", `${part}: ${detail}`, hint ?? ""));
    const well = fine("engine", `ready, ${health.output.parts.length} parts`);
    return {
      runs: true,
      findings: [...(own.length > 0 ? own : [well]), ...hints(health.output), ...lags(groups.answer)],
    };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const unreachable = error.exit === EXIT.unreachable;
    return {
      runs: !unreachable,
      findings: [fault(unreachable ? "warn" : "red", "engine", error.message, "bun run engine")],
    };
  }
}

/** Who has no key that is good for all of it is told whether it is ready, and nothing more. */
function unnamed({ ready }: v.InferOutput<typeof HealthReport>): Finding {
  const detail = `${ready ? "ready" : "not ready"}; it asks who calls, and says no more without a key`;
  return fault(ready ? "warn" : "red", "engine", detail, "Set EKIDEN_API_KEY to a viewer's key for all definitions.");
}

/** What is ready and says all the same what to do, as the auditor of a group that does not move. */
function hints({ parts }: v.InferOutput<typeof HealthReport>): readonly Finding[] {
  return parts.flatMap(({ part, ok, detail, hint }) =>
    ok && hint !== undefined ? [fault("warn", part, detail, hint)] : [],
  );
}

async function ask(path: string): Promise<Reply> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), ANSWER_MS);
  try {
    return await exchange("GET", path, { signal: stop.signal });
  } finally {
    clearTimeout(timer);
  }
}

function lags(answer: unknown): readonly Finding[] {
  const groups = v.safeParse(ConsumerGroupList, answer);
  if (!groups.success)
    return [fault("red", "lag", "the engine does not say where its groups stand", "bun run ekiden groups")];
  const { items } = groups.output;
  const stuck = items.flatMap(({ group, lag, members }) =>
    members.flatMap(({ problem }) =>
      problem === null
        ? []
        : [
            fault(
              "red",
              "lag",
              `group ${group} is stuck with ${lag} messages: ${problem}`,
              `bun run ekiden messages --error --group ${group}`,
            ),
          ],
    ),
  );
  if (stuck.length > 0) return stuck;
  return [fine("lag", `${items.reduce((sum, { lag }) => sum + lag, 0)} messages wait in ${items.length} groups`)];
}
