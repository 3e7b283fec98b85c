/**
 * `bun run ekiden …`: checks definitions, talks to a running engine over HTTP, and starts what needs no engine.
 */
import { Command, CommanderError } from "commander";

import { addAudit } from "./cli/audit-command.ts";
import { addCheckCommand } from "./cli/check.ts";
import { CliError, EXIT, EXIT_MEANINGS } from "./cli/cli-error.ts";
import { addConnectorCommand } from "./cli/connector-command.ts";
import { addDefinitionCommands } from "./cli/definition-commands.ts";
import { addDoctorCommand } from "./cli/doctor-command.ts";
import { addCompletion } from "./cli/completion-command.ts";
import { addErrors } from "./cli/error-command.ts";
import { addExportCommand } from "./cli/export-command.ts";
import { addGraphCommand } from "./cli/graph-command.ts";
import { addGroupCommands } from "./cli/group-commands.ts";
import { addKeyCommands } from "./cli/key-commands.ts";
import { addLocalCommands } from "./cli/local-commands.ts";
import { addLoginCommand } from "./cli/login-command.ts";
import { addMessageCommands } from "./cli/message-commands.ts";
import { addPipelineCommands } from "./cli/pipeline-commands.ts";
import { addRecoveryCommands } from "./cli/recovery-commands.ts";
import { addRecoverCommand } from "./cli/recover-command.ts";
import { addReference } from "./cli/reference-command.ts";
import { addRedriveCommands } from "./cli/redrive-commands.ts";
import { addRewindCommand } from "./cli/rewind-command.ts";
import { addSagaCommands } from "./cli/saga-commands.ts";
import { addSchemaCommand } from "./cli/schema-command.ts";
import { addSimulateCommand } from "./cli/simulate-command.ts";
import { addTail } from "./cli/tail-command.ts";
import { addTestCommand } from "./cli/test-command.ts";
import { OutputClosed, say, writeError } from "./cli/write-line.ts";

const NOTES = `
Commands that talk to an engine find it at EKIDEN_URL (http://127.0.0.1:8080) and send EKIDEN_API_KEY.
Exit codes:
${EXIT_MEANINGS.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`).join("\n")}`;

async function run(args: readonly string[], json: boolean): Promise<void> {
  const program = new Command("ekiden").description("Ekiden: sagas over your own PostgreSQL and Kafka");
  program.addHelpText("after", NOTES).showHelpAfterError("(--help shows the usage)").exitOverride();
  // A program that asked for JSON gets the fault as JSON too, from `explain`.
  if (json) program.configureOutput({ writeErr: () => {} });
  addCheckCommand(program);
  addGraphCommand(program);
  addSimulateCommand(program);
  addTestCommand(program);
  addSchemaCommand(program);
  addSagaCommands(program);
  addDefinitionCommands(program);
  addTail(program);
  addMessageCommands(program);
  addErrors(program);
  addRedriveCommands(program);
  addGroupCommands(program);
  addPipelineCommands(program);
  addDoctorCommand(program);
  addRecoveryCommands(program);
  addRewindCommand(program);
  addKeyCommands(program);
  addLocalCommands(program);
  addConnectorCommand(program);
  addLoginCommand(program);
  addRecoverCommand(program);
  addAudit(program);
  addCompletion(program);
  addReference(program);
  addExportCommand(program);
  await program.parseAsync([...args], { from: "user" });
}

/** Says what went wrong and returns the exit code. */
function explain(error: unknown, json: boolean): number {
  // Commander has written its own message; help and version count as done.
  if (error instanceof CommanderError) {
    if (json && error.exitCode !== 0) say(faultJson(error.message));
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
  if (error instanceof OutputClosed) return EXIT.done;
  if (error instanceof CliError) {
    if (json && error.answer !== undefined) say(JSON.stringify(error.answer, null, 2));
    // Wrong usage is found before anything is printed, so standard output stays one JSON document.
    else if (json && error.exit === EXIT.usage) say(faultJson(error.message));
    else writeError(error.message);
    return error.exit;
  }
  if (error instanceof Error && "code" in error && "hint" in error) {
    writeError(`${error.message}\nfix: ${String(error.hint)}`);
    return EXIT.refused;
  }
  writeError(Bun.inspect(error));
  return EXIT.refused;
}

/** Wrong usage, in the form in which the engine refuses. */
function faultJson(detail: string): string {
  return JSON.stringify({ title: "Wrong usage", detail: detail.replace(/^error: /, "") }, null, 2);
}

const args = process.argv.slice(2);
const json = args.includes("--json");
try {
  await run(args, json);
} catch (error) {
  process.exit(explain(error, json));
}
