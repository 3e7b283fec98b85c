/**
 * `bun run families -- --seed N` tells the shortest story of one seed; `--from N --count M` plays many and says what
 * they break and what they have met.
 */
import { parseArgs } from "node:util";
import { playMany } from "./play-many.ts";
import { tellSeed } from "./play.ts";

const { values } = parseArgs({
  options: { seed: { type: "string" }, from: { type: "string" }, count: { type: "string" } },
});

if (values.seed !== undefined) {
  console.log(tellSeed(Number(values.seed)));
} else {
  const { text, broken } = playMany(Number(values.from ?? 0), { seeds: Number(values.count ?? 2_000) });
  console.log(text);
  process.exit(broken.size === 0 ? 0 : 1);
}
