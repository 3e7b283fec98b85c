/**
 * `bun run test:long`: what takes longer than a check may: three minutes of families of sagas that nobody has played before, connections cut at random and at every message, a flood of
 * 50,000 starts, the fault harness with a standby, and the drills that need a stack of their own or minutes. docs/long-run.txt is its last output.
 */
import { runStep } from "./run-step.ts";

const CORE = ["./tests/core/families/families.long.ts"];
const FAULTS = ["cut-connections", "cut-process", "cut-points", "flood", "failpoints", "isolation", "harness"].map(
  (name) => `./tests/faults/${name}.long.ts`,
);
const RECOVERY = ["recover-kafka", "recover-database", "kafka-tls", "kafka-acl", "connect-plugin"].map(
  (name) => `./tests/integration/${name}.long.ts`,
);
const DRILLS = ["topic-deleted", "kafka-wiped", "database-restored"].map((name) => `./tests/drills/${name}.long.ts`);

const green = await runStep({
  name: "long runs",
  args: ["test", "--timeout=180000", ...CORE, ...FAULTS, ...RECOVERY, ...DRILLS],
});
process.exit(green ? 0 : 1);
