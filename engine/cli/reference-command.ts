import type { Argument, Command, Option } from "commander";

import { EXIT_MEANINGS } from "./cli-error.ts";
import { say } from "./write-line.ts";

const HEAD = `# The command line

Made by \`bun run --silent ekiden reference > docs/CLI.md\` from the commands themselves.

Run as \`bun run ekiden <command>\`. Output is for people on standard output, for programs with \`--json\`; what is not the
answer itself (progress, warnings, errors) goes to standard error.

## Environment

| variable | meaning |
|---|---|
| \`EKIDEN_URL\` | where the engine listens, http://127.0.0.1:8080 by default; behind a proxy also with a path |
| \`EKIDEN_API_KEY\` | sent with every call as \`Authorization: Bearer …\`, when it is set |
| \`DATABASE_URL\`, \`EKIDEN_DOMAINS\`, \`EKIDEN_HOME\` | read by the commands that need no engine, as the engine reads them |

## Exit codes

| code | meaning |
|---|---|
`;

/** `reference`: docs/CLI.md. */
export function addReference(program: Command): void {
  program
    .command("reference")
    .description("print the reference of all commands, in Markdown")
    .action(() => say(reference(program)));
}

function reference(program: Command): string {
  const codes = EXIT_MEANINGS.map(([code, meaning]) => `| ${code} | ${meaning} |\n`).join("");
  const commands = [...program.commands].sort((a, b) => (a.name() < b.name() ? -1 : 1));
  return `${HEAD}${codes}\n## Commands\n\n${commands.flatMap((each) => sections("ekiden", each)).join("\n\n")}`;
}

/** A command, and behind it those that stand below it. */
function sections(parent: string, command: Command): readonly string[] {
  const path = `${parent} ${command.name()}`;
  return [section(path, command), ...command.commands.flatMap((each) => sections(path, each))];
}

function section(path: string, command: Command): string {
  const title = [path, ...command.registeredArguments.map(argumentName)].join(" ");
  const rows = [
    ...command.registeredArguments.map((each) => row(argumentName(each), each.description)),
    ...command.options.map((each) => row(each.flags, described(each))),
  ];
  const table = rows.length === 0 ? [] : ["", "| | |", "|---|---|", ...rows];
  return [`### \`${title}\``, "", sentence(command.description()), ...table].join("\n");
}

function argumentName(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

function described({ description, mandatory, defaultValue }: Option): string {
  const fallback = typeof defaultValue === "string" ? `; ${defaultValue} by default` : "";
  return `${description}${fallback}${mandatory ? " (required)" : ""}`;
}

function row(what: string, meaning: string): string {
  return `| \`${what.replaceAll("|", "\\|")}\` | ${meaning.replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll("\n", " ")} |`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
}
