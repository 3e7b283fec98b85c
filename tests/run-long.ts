/**
 * `bun run test:long`: what takes longer than a check may: connections cut at random and at every message, and a flood of
 * 50,000 starts. docs/long-run.txt is its last output.
 */
import { runStep } from "./run-step.ts";

const FILES = ["cut-connections", "cut-process", "cut-points", "flood"].map((name) => `./tests/faults/${name}.long.ts`);

const green = await runStep({ name: "long runs", args: ["test", "--timeout=180000", ...FILES] });
process.exit(green ? 0 : 1);
