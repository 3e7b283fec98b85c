import type { DomainCatalog } from "../../engine/core/domain.ts";
import { renderDiagnostic } from "../../engine/definition/render-diagnostic.ts";
import { mismatches } from "../../engine/scenario/compare.ts";
import { parseScenarios } from "../../engine/scenario/parse-scenarios.ts";
import { simulate } from "../../engine/simulate/simulate.ts";
import { define } from "../core/explorer/model.ts";

const DEFINITION = define(`
saga: test
version: 1
input: { no: integer(1..9), more?: { city: string } }
steps:
  - step: apply
    command: application.register
    with: { no: "\${ input.no }", city: "\${ has(input.more) ? input.more.city : 'nowhere' }" }
    compensate: application.cancel
  - step: review
    wait: reviewed
    returns: { decision: [approve, reject] }
    deadline: 1d
  - step: pay
    command: bank.pay
    with: { decision: "\${ steps.review.decision }" }
output: { decision: "\${ steps.review.decision }" }
`);

const CATALOG: DomainCatalog = { actions: new Map(), open: true };
const FILES: Readonly<Record<string, unknown>> = { "one.json": { no: 1 }, "list.json": [] };

function read(source: string, definition = DEFINITION) {
  return parseScenarios(source, {
    definition,
    catalog: CATALOG,
    readJson: (path) =>
      path in FILES ? { value: JSON.parse(JSON.stringify(FILES[path])) } : { problem: "there is no such file" },
  });
}

/** What is wrong with the file: the first line of each finding and its fix. */
export function findingsIn(source: string, definition = DEFINITION): string[] {
  return read(source, definition).diagnostics.map((each) => {
    const lines = renderDiagnostic("it", source, each).split("\n");
    return `${lines[0]}${lines.at(-1)}`;
  });
}

/** What comes otherwise than the only scenario of a file expects: `line: message` and the lines below it. */
export function mismatchesIn(scenario: string, definition = DEFINITION): string[] {
  const { scenarios, diagnostics } = read(`scenarios:\n${scenario}`, definition);
  if (diagnostics.length > 0) throw new Error(JSON.stringify(diagnostics));
  return scenarios.flatMap((each) =>
    mismatches(each, simulate(definition, each.plan, CATALOG)).flatMap(({ at, message, lines }) => [
      `${at.line}: ${message}`,
      ...lines,
    ]),
  );
}
