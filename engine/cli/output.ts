import type { Command } from "commander";
import * as v from "valibot";

import { CliError, EXIT } from "./cli-error.ts";
import { readAnswer } from "./read-answer.ts";
import { writeLine } from "./write-line.ts";

/** Options of every command that talks to the engine. */
export interface OutputOptions {
  readonly json?: boolean;
}

/** Adds `--json` to a command. */
export function withJson(command: Command): Command {
  return command.option("--json", "print what the engine answered, as JSON");
}

/** Options of a command that changes something. */
export interface ActOptions extends OutputOptions {
  readonly reason: string;
  readonly key?: string;
}

/** Adds `--key` to a command that changes something. */
export function withKey(command: Command): Command {
  return command.option("--key <key>", "Idempotency-Key: the same call again has no second effect");
}

/** Adds `--reason`, `--key` and `--json` to a command that changes something. */
export function withReason(command: Command): Command {
  return withKey(withJson(command).requiredOption("--reason <text>", "why; it stands in the audit"));
}

/** Prints an answer: as it came for a program, through `human` for a person. @throws CliError when it has another form */
export function print<S extends v.GenericSchema>(
  options: OutputOptions,
  schema: S,
  answer: unknown,
  human: (value: v.InferOutput<S>) => string,
): void {
  writeLine(options.json === true ? JSON.stringify(answer, null, 2) : human(expect(schema, answer)));
}

/** What the engine answered, in the form that this command knows. @throws CliError */
export function expect<S extends v.GenericSchema>(schema: S, answer: unknown): v.InferOutput<S> {
  const parsed = readAnswer(schema, answer);
  if (parsed.success) return parsed.output;
  const where = v.getDotPath(parsed.issues[0]) ?? "the answer";
  throw new CliError(
    EXIT.refused,
    `The engine answered in a form that this command does not know (${where}): are both of one version?`,
  );
}
