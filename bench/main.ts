/** `bun run bench embedded|kafka|peers|variants|scale`: what each measures stands in bench/README.md. `--write` keeps the result. */
import { parseArgs } from "node:util";

import { runPeers } from "./peers-command.ts";
import { runScale } from "./scale-command.ts";
import { benchTransport } from "./transport-bench.ts";
import { FULL } from "./side-by-side.ts";
import { runVariants } from "./variants-command.ts";

const USAGE = `usage: bun run bench embedded|kafka [--sagas 4000] [--in-flight 150,250] [--runs 5]
       bun run bench peers    [--sides ekiden,dbos,restate,floor-bare,floor-outbox]
       bun run bench variants [--only three,rejected,nine,parallel,body-1k,body-64k]
       bun run bench scale    [--history 1000000] [--definitions 1000] [--each 10000] [--waiting 100000] [--timers 100000]
The last three take [--rounds 3] [--seconds 8] [--warm-up 12] [--in-flight 150] [--foreign 0.25], in flight one number; without it,
peers are measured with what is best for each. --write keeps the result.`;

const number = { type: "string" } as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sagas: { ...number, default: "4000" },
    "in-flight": number,
    runs: { ...number, default: "5" },
    rounds: { ...number, default: "3" },
    seconds: { ...number, default: "8" },
    "warm-up": { ...number, default: "12" },
    foreign: { ...number, default: "0.25" },
    sides: { type: "string" },
    only: { type: "string" },
    history: number,
    definitions: number,
    each: number,
    waiting: number,
    timers: number,
    write: { type: "boolean", default: false },
  },
});
const inFlights = values["in-flight"]?.split(",").map(Number);
const numbers = {
  sagas: Number(values.sagas),
  inFlight: inFlights?.[0] ?? FULL.inFlight,
  runs: Number(values.runs),
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  warmUpSeconds: Number(values["warm-up"]),
  foreignMax: Number(values.foreign),
};
const { history, definitions, each, waiting, timers, write } = values;
const sizes = Object.fromEntries(
  Object.entries({ history, definitions, each, waiting, timers }).flatMap(([name, size]) =>
    size === undefined ? [] : [[name, Number(size)]],
  ),
);
const command = ["bun run bench", ...process.argv.slice(2)].join(" ");
const [kind] = positionals;

if ([...Object.values(numbers), ...Object.values(sizes), ...(inFlights ?? [])].some((value) => !(value > 0))) usage();
const isTransport = kind === "embedded" || kind === "kafka";
// The others take one number: the rest of a list would be left out without a word.
if (!isTransport && (inFlights?.length ?? 1) > 1) usage();
if (isTransport) await benchTransport(kind, { ...numbers, inFlights: inFlights ?? [150, 250], write, command });
else if (kind === "peers")
  await runPeers({
    ...numbers,
    tries: inFlights === undefined ? FULL.tries : [],
    write,
    command,
    sides: values.sides?.split(","),
  });
else if (kind === "variants") await runVariants({ ...numbers, write, command, only: values.only?.split(",") });
else if (kind === "scale") await runScale({ ...numbers, write, sizes });
else usage();

function usage(): never {
  console.error(USAGE);
  process.exit(2);
}
