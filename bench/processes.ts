import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks of /proc in a second, on Linux. */
const TICKS = 100;

interface ProcessTimes {
  readonly parent: number;
  /** User and system seconds of the process and of its children that have ended. */
  readonly seconds: number;
}

/** CPU seconds of a process, its living descendants, and those that have ended. */
export function cpuSeconds(root: number): number {
  const all = allProcesses();
  const ofTree = (pid: number): number => {
    let sum = all.get(pid)?.seconds ?? 0;
    for (const [child, { parent }] of all) if (parent === pid) sum += ofTree(child);
    return sum;
  };
  return ofTree(root);
}

/** CPU seconds of one process alone, to a clock tick. */
export function ownSeconds(pid: number): number {
  const [user = 0, system = 0] = fieldsOf(String(pid)).slice(11, 13);
  return (user + system) / TICKS;
}

/** CPU seconds that the whole machine has spent on anything. */
export function machineSeconds(): number {
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) / TICKS;
}

/** Resident memory of one process, MiB. */
export function residentMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
}

function allProcesses(): Map<number, ProcessTimes> {
  const all = new Map<number, ProcessTimes>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const times = timesOf(name);
    if (times !== undefined) all.set(Number(name), times);
  }
  return all;
}

function timesOf(pid: string): ProcessTimes | undefined {
  try {
    const fields = fieldsOf(pid);
    const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15);
    return { parent: fields[1] ?? 0, seconds: (user + system + childUser + childSystem) / TICKS };
  } catch {
    // It ended between the two looks.
    return undefined;
  }
}

/** Fields 3 and up: the name before them stands in parentheses and may hold anything. */
function fieldsOf(pid: string): number[] {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
}
