/**
 * `bun run bench embedded|kafka|peers`: what each measures stands in bench/README.md. `--write` keeps the result.
 */
import { parseArgs } from "node:util";

import { runPeers } from "./peers-command.ts";
import { benchTransport } from "./transport-bench.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sagas: { type: "string", default: "4000" },
    "in-flight": { type: "string", default: "150" },
    runs: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "8" },
    "warm-up": { type: "string", default: "12" },
    foreign: { type: "string", default: "0.25" },
    sides: { type: "string" },
    write: { type: "boolean", default: false },
  },
});
const numbers = {
  sagas: Number(values.sagas),
  inFlight: Number(values["in-flight"]),
  runs: Number(values.runs),
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  warmUpSeconds: Number(values["warm-up"]),
  foreignMax: Number(values.foreign),
};
const [kind] = positionals;
const { write } = values;

if (Object.values(numbers).some((value) => !(value > 0))) usage();
if (kind === "embedded" || kind === "kafka") await benchTransport(kind, { ...numbers, write });
else if (kind === "peers") await runPeers({ ...numbers, write, sides: values.sides?.split(",") });
else usage();

function usage(): never {
  console.error(`usage: bun run bench embedded|kafka [--sagas 4000] [--in-flight 150] [--runs 5] [--write]
       bun run bench peers [--rounds 3] [--seconds 8] [--warm-up 12] [--in-flight 150] [--foreign 0.25]
                           [--sides ekiden,dbos,restate,floor-bare,floor-outbox] [--write]`);
  process.exit(2);
}
