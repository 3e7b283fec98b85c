import type { Command } from "commander";

import type { DomainCatalog } from "../core/domain.ts";
import {
  failureText,
  runScenarioFile,
  type ScenarioFile,
  scenarioFiles,
  type ScenarioResult,
} from "../scenario/scenario-file.ts";
import { runText } from "../simulate/story-text.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { definitionsFolder, demandFiles, domainsOf, loadCatalog } from "./definition-file.ts";
import { say } from "./write-line.ts";

interface TestOptions {
  readonly story?: boolean;
  readonly json?: boolean;
}

const NOTES = `
onboarding.test.yaml lies beside onboarding.saga.yaml and says what must come of it:

  input: onboarding.example.json        # or the input itself; a scenario may have its own, or \`change\` some of it
  scenarios:
    - name: A reviewer approves after two days
      given:
        screen: { result: manual_review }
      signals:
        - signal: screening_reviewed
          payload: { decision: approve, reviewer: R. Sato }
          at: 2d
      expect:
        steps: [apply, screen, review, contract, welcome_mail]
        status: completed

docs/AUTHORS.md has all keys. Exit code 1: a scenario is not as expected, or a file has errors.`;

/** `test`: the scenarios beside the definitions, without a database. */
export function addTestCommand(program: Command): void {
  program
    .command("test")
    .argument("[files...]", "files of scenarios; without any, every *.test.yaml of EKIDEN_DOMAINS")
    .description("run the scenarios beside the definitions, without a database")
    .option("--story", "tell what happened in the scenarios that are as expected too")
    .option("--json", "print the results as JSON")
    .addHelpText("after", NOTES)
    .action(async (files: string[], options: TestOptions) => {
      const results = await runFiles(files);
      if (options.json === true) say(JSON.stringify(results, null, 2));
      else report(results, options.story === true);
      if (results.some(({ faults, results: ran }) => faults.length > 0 || ran.some(isFailed)))
        process.exitCode = EXIT.refused;
    });
}

async function runFiles(files: readonly string[]): Promise<readonly ScenarioFile[]> {
  demandFiles(files);
  const other = files.find((file) => !file.endsWith(".test.yaml"));
  if (other !== undefined)
    throw new CliError(EXIT.usage, `${other} is no file of scenarios: their names end in .test.yaml`);
  const paths = files.length === 0 ? scenarioFiles(definitionsFolder()) : files;
  const catalogs = new Map<string, DomainCatalog>();
  for (const folder of new Set(paths.map(domainsOf))) catalogs.set(folder, await loadCatalog(folder));
  return paths.map((path) => runScenarioFile(path, catalogs.get(domainsOf(path)) as DomainCatalog));
}

function isFailed({ mismatches }: ScenarioResult): boolean {
  return mismatches.length > 0;
}

function report(files: readonly ScenarioFile[], stories: boolean): void {
  for (const { file, faults, results } of files) {
    const passed = results.filter((result) => !isFailed(result));
    for (const fault of faults) say(`${fault}\n`);
    for (const result of results.filter(isFailed)) say(`${failureText(file, result)}\n`);
    if (stories) for (const { name, line, run } of passed) say(`${file}:${line}: ${name}\n${storyOf(run)}\n`);
    say(`${file}: ${faults.length > 0 ? "not run" : `${passed.length} of ${results.length} as expected`}`);
  }
  const all = files.flatMap(({ results }) => results);
  const failed = all.filter(isFailed).length;
  const broken = files.filter(({ faults }) => faults.length > 0).length;
  const unread = broken === 0 ? "" : `, ${broken} ${broken === 1 ? "file" : "files"} with errors`;
  say(`${all.length - failed} passed, ${failed} failed${unread}`);
}

function storyOf(run: ScenarioResult["run"]): string {
  return run === undefined ? "" : runText(run);
}
