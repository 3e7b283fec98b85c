import type { Command } from "commander";

import { CliError, EXIT } from "./cli-error.ts";
import { say } from "./write-line.ts";

const NOTES = `
For this shell only:
  bash  source <(bun run --silent ekiden completion bash)
  zsh   source <(bun run --silent ekiden completion zsh)
  fish  bun run --silent ekiden completion fish | source
It completes the word \`ekiden\`: alias ekiden='bun run --silent ekiden'`;

/** `completion`: what a shell needs to complete commands and options, made from the commands themselves. */
export function addCompletion(program: Command): void {
  program
    .command("completion")
    .argument("<shell>", "bash, zsh or fish")
    .description("print a shell's completion of these commands")
    .addHelpText("after", NOTES)
    .action((shell: string) => {
      const script = SCRIPTS[shell];
      if (script === undefined)
        throw new CliError(EXIT.usage, `There is no completion for "${shell}": bash, zsh or fish.`);
      say(script(wordsOf(program)));
    });
}

/** A command as a shell completes it, and those below it. */
interface Words {
  readonly name: string;
  readonly below: readonly Words[];
  readonly description: string;
  readonly options: readonly { readonly flag: string; readonly description: string; readonly takes: boolean }[];
}

function wordsOf(program: Command): readonly Words[] {
  return program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    below: wordsOf(command),
    options: [
      ...command.options.map(({ long, short, description, required, optional }) => ({
        flag: long ?? short ?? "",
        description,
        takes: required || optional,
      })),
      { flag: "--help", description: "show the usage", takes: false },
    ],
  }));
}

const SCRIPTS: Readonly<Record<string, (commands: readonly Words[]) => string>> = { bash, zsh, fish };

/** Options after a dash; everything else is left to the completion of files. */
function bash(commands: readonly Words[]): string {
  const flags = ({ options }: Words) => options.map(({ flag }) => flag).join(" ");
  const cases = commands.flatMap((command) => [
    ...command.below.map((each) => `    "${command.name} ${each.name}") words="${flags(each)}" ;;`),
    `    "${command.name} "*) words="${flags(command)}" below="${command.below.map(({ name }) => name).join(" ")}" ;;`,
  ]);
  return [
    "_ekiden() {",
    '  local current="${COMP_WORDS[COMP_CWORD]}" words="" below="" second=""',
    '  if [ "$COMP_CWORD" -eq 1 ]; then',
    `    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")} --help" -- "$current"))`,
    "    return",
    "  fi",
    '  if [ "$COMP_CWORD" -gt 2 ]; then second="${COMP_WORDS[2]}"; fi',
    '  case "${COMP_WORDS[1]} $second" in',
    ...cases,
    "  esac",
    "  COMPREPLY=()",
    '  if [ "$COMP_CWORD" -gt 2 ]; then below=""; fi',
    '  case "$current" in',
    '    -*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;',
    '    *) COMPREPLY=($(compgen -W "$below" -- "$current")) ;;',
    "  esac",
    "}",
    "complete -o default -F _ekiden ekiden",
  ].join("\n");
}

function zsh(commands: readonly Words[]): string {
  const named = ({ name, description }: Words) => quoted(`${name}:${description}`);
  const names = commands.map((each) => `    ${named(each)}`);
  const rest = ({ options }: Words) => {
    const specs = options.map(({ flag, description, takes }) =>
      quoted(`${flag}[${description.replaceAll(/[[\]\\]/g, "\\$&")}]${takes ? ":value:_files" : ""}`),
    );
    return `_arguments ${specs.join(" ")} '*:value:_files'`;
  };
  const cases = commands.flatMap((command) => [
    ...command.below.map(
      (each) => `    "${command.name} ${each.name}") shift words; (( CURRENT-- )); ${rest(each)} ;;`,
    ),
    command.below.length === 0
      ? `    "${command.name} "*) ${rest(command)} ;;`
      : `    "${command.name} "*) below=(${command.below.map(named).join(" ")}); _describe command below; ${rest(command)} ;;`,
  ]);
  return [
    "#compdef ekiden",
    "_ekiden() {",
    "  local -a commands=(",
    ...names,
    "  )",
    "  if (( CURRENT == 2 )); then",
    "    _describe command commands",
    "    return",
    "  fi",
    "  local -a below",
    '  local command="$words[2]" second=""',
    '  if (( CURRENT > 3 )); then second="$words[3]"; fi',
    "  shift words; (( CURRENT-- ))",
    '  case "$command $second" in',
    ...cases,
    "  esac",
    "}",
    "compdef _ekiden ekiden",
  ].join("\n");
}

function fish(commands: readonly Words[]): string {
  return commands
    .flatMap(({ name, description, options, below }) => [
      `complete -c ekiden -n __fish_use_subcommand -f -a ${name} -d ${quoted(description)}`,
      ...options.map(
        ({ flag, description: says, takes }) =>
          `complete -c ekiden -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)}${takes ? " -r" : ""} -d ${quoted(says)}`,
      ),
      ...below.flatMap((each) => [
        `complete -c ekiden -n '__fish_seen_subcommand_from ${name}' -f -a ${each.name} -d ${quoted(each.description)}`,
        ...each.options
          .filter(({ flag }) => !options.some((one) => one.flag === flag))
          .map(
            ({ flag, description: says, takes }) =>
              `complete -c ekiden -n '__fish_seen_subcommand_from ${name}; and __fish_seen_subcommand_from ${each.name}' -l ${flag.slice(2)}${takes ? " -r" : ""} -d ${quoted(says)}`,
          ),
      ]),
    ])
    .join("\n");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
