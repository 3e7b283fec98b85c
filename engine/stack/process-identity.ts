import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Names one process so that a later one with the same pid is told apart: boot and start time.
 * Undefined: no such process is running (a zombie no longer runs).
 */
export async function identifyProcess(pid: number): Promise<string | undefined> {
  if (!isRunning(pid)) return undefined;
  return process.platform === "linux" ? identifyByProc(pid) : identifyByPs(pid);
}

/** The command line of a process, or "" when it is gone. */
export async function commandLineOf(pid: number): Promise<string> {
  if (process.platform !== "linux") return psColumn(pid, "command");
  const raw = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return raw.replaceAll("\0", " ");
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

async function identifyByProc(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The second field is the program's name in brackets and may itself hold spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, threads, startTicks] = [fields[0], fields[17], fields[19]];
  if (state === undefined || startTicks === undefined) return undefined;
  // A killed JVM's first thread is a zombie at once, but the others hold its ports and locks for a moment longer.
  if ((state === "Z" || state === "X") && Number(threads) <= 1) return undefined;
  // Ticks count from boot, so the same pid could start at the same tick of the next boot.
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
  return `${boot.trim()}:${startTicks}`;
}

async function identifyByPs(pid: number): Promise<string | undefined> {
  const started = await psColumn(pid, "lstart");
  const state = await psColumn(pid, "stat");
  return started === "" || state.startsWith("Z") ? undefined : started;
}

async function psColumn(pid: number, column: string): Promise<string> {
  return run("ps", ["-o", `${column}=`, "-p", String(pid)]).then(
    ({ stdout }) => stdout.trim(),
    () => "",
  );
}
