import type * as v from "valibot";

import { DefinitionList } from "../../api/definition-schema.ts";
import { ConsumerGroupList } from "../../api/group-schema.ts";
import { HealthReport } from "../../api/health-schema.ts";
import { engineFindings, lagFindings } from "../../recovery/doctor/engine-findings.ts";
import { fault, type Finding } from "../../recovery/doctor/finding.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { exchange, type Reply } from "../client.ts";
import { readAnswer } from "../read-answer.ts";

const ANSWER_MS = 10_000;

/** What a running engine says of itself. */
interface AskedEngine {
  /** There is one at EKIDEN_URL. */
  readonly runs: boolean;
  /** `outside`: what was found besides. */
  readonly findings: (outside: readonly Finding[]) => readonly Finding[];
}

/** Asks the engine at EKIDEN_URL. */
export async function engineChecks(): Promise<AskedEngine> {
  try {
    const [ready, groups, definitions] = await Promise.all([
      ask("/health/ready"),
      ask("/v1/consumer-groups"),
      ask("/v1/definitions?sources=false"),
    ]);
    const health = readAnswer(HealthReport, ready.answer);
    if (!health.success) throw new CliError(EXIT.refused, "it answers in another form: is it of this version?");
    if (groups.status === 401 || groups.status === 403) return { runs: true, findings: () => [unnamed(health.output)] };
    return {
      runs: true,
      findings: (outside) => [
        ...notInUse(definitions.answer, outside),
        ...engineFindings(health.output, outside),
        ...lags(groups.answer),
      ],
    };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const unreachable = error.exit === EXIT.unreachable;
    const finding = fault(unreachable ? "warn" : "red", "engine", error.message, "bun run engine");
    return { runs: !unreachable, findings: () => [finding] };
  }
}

/** Who has no key that is good for all of it is told whether it is ready, and nothing more. */
function unnamed({ ready }: v.InferOutput<typeof HealthReport>): Finding {
  const detail = `${ready ? "ready" : "not ready"}; it asks who calls, and says no more without a key`;
  return fault(ready ? "warn" : "red", "engine", detail, "Set EKIDEN_API_KEY to a viewer's key for all definitions.");
}

/** What only an engine can know: its folder is another, or it has published a higher version. */
function notInUse(answer: unknown, outside: readonly Finding[]): readonly Finding[] {
  const list = readAnswer(DefinitionList, answer);
  if (!list.success) return [];
  return list.output.broken.flatMap(({ file, diagnostics }) => {
    const { line, column, message, hint } =
      diagnostics.find(({ severity }) => severity === "error") ?? diagnostics[0] ?? {};
    if (message === undefined) return [];
    const said = `:${line}:${column} ${message}`;
    // Its path counts from where the engine was started.
    if (outside.some(({ check, detail }) => check === "definitions" && detail.includes(said))) return [];
    return [fault("red", "definitions", `the engine does not use ${file}${said}`, hint ?? "")];
  });
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
  const groups = readAnswer(ConsumerGroupList, answer);
  if (groups.success) return lagFindings(groups.output.items);
  return [fault("red", "lag", "the engine does not say where its groups stand", "bun run ekiden groups")];
}
