import { spawn } from "node:child_process";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";

import { findJava } from "./java.ts";
import { type Holder, livingHolder, writePidFile } from "./pid-file.ts";
import { identifyProcess } from "./process-identity.ts";
import { StackError } from "./stack-error.ts";
import { type Compilers, jvmFlags } from "./stack-settings.ts";
import { stopProcess } from "./stop-process.ts";
import { waitUntil } from "./wait-until.ts";

/** One JVM of the stack. `kill` sends a signal and does not wait; `stop` ends it cleanly and waits for the exit. */
export interface RunningService {
  readonly pid: number;
  readonly log: string;
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/** What to run: `name` names `<home>/<name>.log` and `.pid`. */
export interface JavaProgram {
  readonly name: string;
  readonly home: string;
  readonly jars: string;
  readonly heapMb: number;
  /** `quick` by default. */
  readonly compilers?: Compilers | undefined;
  readonly main: string;
  readonly arguments: readonly string[];
}

const stages = [
  { signal: "SIGTERM", graceMs: 20_000 },
  { signal: "SIGKILL", graceMs: 5_000 },
] as const;

/** Stops what an earlier, killed stack left running under this name. */
export async function stopOrphan({ name, home }: Pick<JavaProgram, "name" | "home">): Promise<void> {
  const orphan = await livingHolder(join(home, `${name}.pid`));
  if (orphan !== undefined) await stopProcess(orphan, stages);
}

/** Runs a short Java program to its end. Throws StackError `stack.<name>-failed`. */
export async function runJava(program: JavaProgram): Promise<void> {
  const { child, log } = await spawnJava(program);
  const exitCode = await new Promise((resolve) => child.once("exit", resolve).once("error", resolve));
  if (exitCode !== 0) throw await failure(program.name, log, "it failed");
}

/**
 * Starts a Java service and waits until `ready` says true. Throws StackError `stack.<name>-failed` with the reason from
 * its log when it ends before that, or does not get there in time.
 */
export async function startJava(program: JavaProgram, ready: () => Promise<boolean>): Promise<RunningService> {
  const { child, log } = await spawnJava(program);
  let exited = false;
  child.once("exit", () => (exited = true)).once("error", () => (exited = true));
  const { pid } = child;
  const identity = pid === undefined ? undefined : await identifyProcess(pid);
  if (pid === undefined || identity === undefined) throw await failure(program.name, log, "it ended at once");
  child.unref();
  await writePidFile(join(program.home, `${program.name}.pid`), pid, program.name);
  const holder: Holder = { pid, identity };
  const outcome = await waitUntil(async () => (exited ? "exited" : (await ready()) ? "ready" : undefined), {
    timeoutMs: 120_000,
    pauseMs: 100,
  });
  if (outcome === "ready") return present(holder, log);
  await stopProcess(holder, stages);
  throw await failure(program.name, log, outcome === "exited" ? "it ended" : "it was not ready within 120 s");
}

/** The last lines of a log, for a person. */
export async function tail(log: string, lines = 15): Promise<string> {
  const text = await readFile(log, "utf8").catch(() => "");
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}

async function spawnJava(program: JavaProgram) {
  const java = await findJava();
  await mkdir(program.home, { recursive: true });
  const log = join(program.home, `${program.name}.log`);
  // The log of the run before stays beside it: after a crash it is the one that tells why.
  await rename(log, `${log}.1`).catch(() => undefined);
  const file = await open(log, "w", 0o600);
  const flags = jvmFlags(program.jars, program.heapMb, program.compilers ?? "quick");
  const child = spawn(java, [...flags, program.main, ...program.arguments], {
    cwd: program.home,
    // A session of its own: the terminal's Ctrl-C reaches `bun run stack` only, which stops the parts in order.
    detached: true,
    stdio: ["ignore", file.fd, file.fd],
  });
  await file.close();
  return { child, log };
}

function present(holder: Holder, log: string): RunningService {
  return {
    pid: holder.pid,
    log,
    stop: async () => {
      await stopProcess(holder, stages);
    },
    kill: (signal) => process.kill(holder.pid, signal),
  };
}

async function failure(name: string, log: string, what: string): Promise<StackError> {
  const lines = (await tail(log, 200)).split("\n");
  const reason = lines.findLast((line) => /ERROR|Exception|error/i.test(line)) ?? lines.at(-1) ?? "";
  const hint = `The whole story stands in ${log}.`;
  return new StackError(`stack.${name}-failed`, `${name} did not start, ${what}: ${reason.trim()}`, hint);
}
