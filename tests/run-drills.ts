/**
 * `bun run drills`: every disaster of the runbook in docs/OPERATIONS.md, one after the other, on real processes.
 * docs/drills.md holds the table of its last run.
 */
import { rm } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";

import { runStep } from "./run-step.ts";

const DRILLS = [
  "mistakes.test",
  "kafka-forgets.test",
  "topic-deleted.long",
  "kafka-wiped.long",
  "database-restored.long",
];
const HEAD = "| entry of the runbook | engine processes | sagas | seen after | healed after |\n|---|---|---|---|---|\n";

const file = join(tmpdir(), `ekiden-drills-${process.pid}.md`);
process.env["EKIDEN_DRILLS"] = file;
let green = true;
for (const name of DRILLS)
  if (!(await runStep({ name, args: ["test", "--timeout=600000", `./tests/drills/${name}.ts`] }))) green = false;
const lines = await Bun.file(file)
  .text()
  .catch(() => "");
await rm(file, { force: true });
console.log(
  `\n${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? "unknown"}), Bun ${Bun.version}\n\n${HEAD}${lines}`,
);
process.exit(green ? 0 : 1);
