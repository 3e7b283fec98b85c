import { spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";

import type { DatabaseAddress } from "./database-url.ts";
import type { Holder } from "./pid-file.ts";
import type { PostgresFolder } from "./postgres-folder.ts";
import { answers } from "./postgres-readiness.ts";
import { settingsFile } from "./postgres-settings.ts";
import { findPostmaster, stopPostmaster } from "./postmaster.ts";
import { diskFull, StackError } from "./stack-error.ts";

/** All that is needed to start one server. */
export interface ServerPlan extends PostgresFolder {
  readonly home: string;
  readonly settings: Record<string, string>;
}

const startTimeoutMs = 60_000;

/** Worth another try: somebody has the port, or backends of a postmaster that was killed are still ending. */
export type LaunchObstacle = "port-taken" | "data-in-use";

/** Starts the postmaster and waits until it answers. Throws StackError `stack.postgres-failed`, `stack.disk-full`. */
export async function launchPostmaster(plan: ServerPlan, address: DatabaseAddress): Promise<Holder | LaunchObstacle> {
  const log = await open(join(plan.home, "postgres.log"), "a", 0o600);
  const { size: logStart } = await log.stat();
  let exited = false;
  const arguments_ = ["-D", plan.data, "-c", `config_file=${settingsFile(plan)}`];
  const child = spawn(join(plan.binaries, "bin", "postgres"), arguments_, {
    ...plan.user,
    cwd: "/",
    env: { PATH: process.env.PATH, TZ: "UTC", LC_ALL: "C" },
    // A session of its own: the terminal's Ctrl-C reaches the engine only, which drains before it stops the server.
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
  });
  child.once("exit", () => (exited = true));
  child.once("error", () => (exited = true));
  child.unref();
  await log.close();
  const ready = await answers(address, startTimeoutMs, () => exited);
  const holder = await findPostmaster(plan.data);
  // A foreign server on our port could answer with the same password only if it is ours: the pid settles it.
  if (ready && holder !== undefined && holder.pid === child.pid) return holder;
  // Somebody has started one on the data in this moment: it is no failed start of ours, and not ours to stop.
  if (holder !== undefined && holder.pid !== child.pid) return "data-in-use";
  if (holder !== undefined) await stopPostmaster(holder);
  return explain(plan, (await readFile(join(plan.home, "postgres.log"))).subarray(logStart).toString());
}

function explain(plan: ServerPlan, log: string): LaunchObstacle {
  if (/could not bind|could not create any TCP\/IP sockets/.test(log)) return "port-taken";
  if (/pre-existing shared memory block/.test(log)) return "data-in-use";
  if (/No space left on device|Disk quota exceeded/.test(log)) throw diskFull(plan.data, log);
  const lines = log.trim().split("\n");
  const reason = lines.findLast((line) => /FATAL|PANIC|error/.test(line)) ?? "it did not answer in time";
  const hint = `The whole story stands in ${join(plan.home, "postgres.log")}.`;
  throw new StackError("stack.postgres-failed", `PostgreSQL did not start: ${reason}`, hint);
}
