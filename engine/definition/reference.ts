import { type Kind, KINDS, LANGUAGE, type LanguageKey, type Place } from "./language.ts";
import { VALUES } from "./language-values.ts";

/** What the examples of the reference may read. */
const INPUT = `input:
  orderNo: string
  amount: number(0.01..)
  email: string
  kind: [standard, express]
  dueAt: date
  shops: "list<{ no: string, account: string, amount: number }>"
`;

/** A whole file around the example of a key. */
export function fileOf(example: string): string {
  const own = new Set([...example.matchAll(/^([a-z]+):/gm)].map(([, key]) => key));
  const steps = example.startsWith("- ");
  return [
    own.has("saga") ? "" : "saga: example\nversion: 1\n",
    own.has("input") || own.has("saga") ? "" : INPUT,
    steps ? `steps:\n${example.replace(/^(?=.)/gm, "  ")}\n` : `${example}\n`,
    steps || own.has("steps") ? "" : "steps: []\n",
  ].join("");
}

/** The reference of the language, as Markdown; `docs/SAGA_YAML.md` is what it gives. */
export function referencePage(): string {
  const kinds = KINDS.map((kind) => `[${kind}](#${kind})`).join(", ");
  return `${[
    INTRODUCTION,
    section("Top level", ["file"]),
    section("defaults", ["defaults"]),
    section("start", ["start"]),
    section("schedule", ["schedule"]),
    `## Every step\n\nA step does exactly one thing: ${kinds}.\n\n${entries(ownKeys(["step"]))}`,
    ...KINDS.map(kindSection),
    `## Keys that several kinds share\n\n${entries(SHARED)}`,
    section("retry", ["retry"]),
    section("A choice", ["in choose"]),
    section("The map of each", ["in each"]),
    section("The map of compensate", ["in compensate"]),
    section("The maps of sleep, fail and end", ["in sleep", "in fail", "in end"]),
    EXPRESSIONS,
  ].join("\n\n")}\n`;
}

/** A key stands where it is described first; the other places name it. */
function ownKeys(places: readonly Place[]): readonly LanguageKey[] {
  return LANGUAGE.filter((key) => key.in[0] !== undefined && places.includes(key.in[0]) && !SHARED.includes(key));
}

const isKind = (place: Place): place is Kind => KINDS.some((kind) => kind === place);
const SHARED: readonly LanguageKey[] = LANGUAGE.filter((key) => key.in.filter(isKind).length > 1);

function section(title: string, places: readonly Place[]): string {
  return `## ${title}\n\n${[entries(ownKeys(places)), alsoTakes(places)].filter((part) => part !== "").join("\n\n")}`;
}

function kindSection(kind: Kind): string {
  return section(kind, [kind]);
}

function alsoTakes(places: readonly Place[]): string {
  const others = LANGUAGE.filter(
    (key) => key.in.some((place) => places.includes(place)) && !ownKeys(places).includes(key),
  );
  return others.length === 0 ? "" : `Takes also: ${others.map(({ key }) => `\`${key}\``).join(", ")}.`;
}

function entries(keys: readonly LanguageKey[]): string {
  return keys.map(entry).join("\n\n");
}

function entry({ key, value, required, otherwise, description, example }: LanguageKey): string {
  const need = required === true ? ", required" : "";
  const without = otherwise === undefined ? "" : ` Without it: ${otherwise}`;
  return `### \`${key}\`\n\n*${VALUES[value].says}${need}.* ${description}${without}\n\n\`\`\`yaml\n${example}\n\`\`\``;
}

const INTRODUCTION = `# The saga file

This page is generated from the table that the parser itself uses; every example in it is loaded by a test. A file is
\`<name>.saga.yaml\` in the folder of the domains. \`bun run ekiden check\` names every mistake with line and column.

The examples that are steps stand below \`steps:\` of a saga with this input:

\`\`\`yaml
${INPUT.trimEnd()}
\`\`\`

**Names** have small letters, digits and \`_\`, at most 48; what \`set\` and \`as\` name may have capitals. **Durations** are \`300ms\`, \`30s\`, \`2m\`, \`3h\`, \`1d\` or ISO 8601.
**Values** are any YAML whose texts may hold \`\${ expression }\`; a text that is one expression alone keeps its type, and \`$\${\`
is a literal \`\${\`. \`if\`, \`when\`, \`choose\`, \`in\` and \`match\` are expressions by themselves, without \`\${ }\`.
**Shapes** are \`string\`, \`number\`, \`integer\`, \`boolean\`, \`date\`, \`object\`, \`any\`, with bounds \`integer(18..120)\`, \`number(0.01..)\`,
\`string(..200)\`; a list of texts is an enum, a map is an object, \`"list<string>(..100)"\` is a list; \`?\` behind a field's name or
its shape makes it optional. A \`date\` is \`2027-01-31\`, which begins at midnight UTC, or a time with its offset, \`2027-01-31T09:00:00+09:00\`:
one rule for input, results and \`sleep.until\`. YAML wants quotes around a value with \`: \` in it, and around \`\${ }\` inside \`{ }\` and \`[ ]\`.`;

const EXPRESSIONS = `## Expressions

Expressions are CEL: \`== != < > <= >= && || ! ? : in + - * / %\`, \`has(…)\`, \`size(…)\`, \`.filter\`, \`.map\`, \`.all\`, \`.exists\`. They
read recorded data only: no clock, no random. Whole numbers and others are calculated with together.

| name | what |
|---|---|
| \`input\` | what the saga started with |
| \`steps.<name>\` | the output of a step that ran before |
| \`vars.<name>\` | a value that \`set\` kept |
| \`saga\` | \`id\`, \`key\`, \`version\`, \`startedAt\`, \`now\` (the recorded time of the transition) |
| \`error\` | in a \`catch\`: \`code\`, \`message\`, \`step\` |
| \`result\` | in a step's \`output\`: its result |
| \`signal\` | in \`match\` and \`output\` of a \`wait\`: the payload |
| the name of \`as\` | in an \`each\`: the item |
| \`event\` | in \`start\`: the message's body |
| \`schedule.at\` | in \`schedule\`: the planned time |

A step that may not have run, or a field that may be absent, is asked for first: \`has(steps.review) ? steps.review.by : 'nobody'\`.`;
