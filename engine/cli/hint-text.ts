/** A word that a shell hands over as it is. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/** Commands for the calls that hints of the engine name. Longer paths stand before those that begin them. */
const COMMANDS: readonly (readonly [call: RegExp, command: string])[] = [
  [/GET \/v1\/sagas\/\{id\}/g, "`ekiden show <id>`"],
  [/GET \/v1\/messages\?error=true/g, "`ekiden messages --error`"],
  [/GET \/v1\/consumer-groups(?:\/\{group\})?(?!\/)/g, "`ekiden groups`"],
  [/GET \/v1\/definitions(?!\/)/g, "`ekiden definitions`"],
  [/GET \/v1\/messages(?!\/)/g, "`ekiden messages`"],
  [/GET \/v1\/redrives(?!\/)/g, "`ekiden redrives`"],
  [/POST \/v1\/redrives(?!\/)/g, "`ekiden redrive`"],
  [/GET \/v1\/partitions(?!\/)/g, "`ekiden partitions`"],
  [/GET \/v1\/keys(?!\/)/g, "`ekiden keys list`"],
];

/** A hint of the engine, which speaks of calls, for a person at a command line. `command`: what was called. */
export function hintText(hint: string, command = process.argv[2] ?? ""): string {
  const help = /^[a-z]+$/.test(command) ? `ekiden help ${command}` : "ekiden --help";
  const said = hint
    // Where the engine names both, the command is enough.
    .replace(/(`ekiden [^`]+`), or GET \/v1\/[\w-]+,/, "$1")
    .replace(/GET \/v1\/[\w-]+, or (`ekiden [^`]+`),/, "$1")
    .replace("label.<name>=<value>", "--label <name>=<value>")
    .replace("/docs for the parameters of this path", `\`${help}\``)
    .replace(/GET \/v1\/sagas\?key=([^\s…]*[^\s….])?/, (_call, key?: string) => `\`ekiden list --key ${word(key)}\``)
    .replace("`ekiden list --key …`…", "`ekiden list --key …`");
  return COMMANDS.reduce((text, [call, instead]) => text.replaceAll(call, instead), said);
}

function word(key: string | undefined): string {
  if (key === undefined) return "…";
  const text = decodeURIComponent(key);
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
