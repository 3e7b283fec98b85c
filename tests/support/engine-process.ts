import { join } from "node:path";
import { eventually } from "./engine.ts";

/** `bun run engine` as a process of its own. */
export interface EngineProcess {
  readonly pid: number;
  /** Of its API; empty when it runs none. */
  readonly url: string;
  /** Standard output and error so far. */
  output(): string;
  /** Sends a signal that does not end it: SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void;
  /** Its exit code, when it ends. */
  readonly exited: Promise<number>;
  /** Sends a signal and returns the exit code (128 + signal when it was killed). */
  end(signal: NodeJS.Signals): Promise<number>;
}

/** Starts an engine in a tree and waits until it says that it is ready. */
export async function startProcess(tree: string, environment: Record<string, string>): Promise<EngineProcess> {
  const run = launch(tree, environment);
  const { api } = await eventually(
    "the engine is ready",
    async () => {
      if (run.child.exitCode !== null) throw new Error(`the engine ended with ${run.child.exitCode}:\n${run.output()}`);
      if (!run.output().includes("Ekiden is ready")) return undefined;
      return { api: /API {2,}(http:\/\/127\.0\.0\.1:\d+)/.exec(run.output())?.[1] ?? "" };
    },
    180_000,
  ).catch(async (error: unknown) => {
    run.child.kill("SIGKILL");
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${run.output()}`);
  });
  return {
    pid: run.child.pid,
    url: api,
    output: run.output,
    exited: run.child.exited,
    signal: (signal) => void run.child.kill(signal),
    async end(signal) {
      run.child.kill(signal);
      await run.child.exited;
      return run.child.exitCode ?? 128;
    },
  };
}

/** Runs an engine that is expected to end by itself; returns its exit code and all it said. */
export async function runToEnd(
  tree: string,
  environment: Record<string, string>,
): Promise<{ code: number; output: string }> {
  const run = launch(tree, environment);
  const timer = setTimeout(() => run.child.kill("SIGKILL"), 60_000);
  const code = await run.child.exited;
  clearTimeout(timer);
  await run.ended;
  return { code, output: run.output() };
}

/** Starts an engine that may end at any moment, and waits for nothing. */
export function launch(tree: string, environment: Record<string, string>) {
  // Whoever runs the tests may ignore that a terminal is closed (`nohup`), and hand that down.
  const anew = process.platform === "linux" ? ["env", "--default-signal=HUP"] : [];
  const child = Bun.spawn([...anew, process.execPath, join(tree, "engine/boot.ts"), "engine/main.ts"], {
    cwd: tree,
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", PORT: "0", EKIDEN_LOG: "json", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  const gather = async (stream: ReadableStream<Uint8Array>) => {
    for await (const chunk of stream) text += new TextDecoder().decode(chunk);
  };
  const ended = Promise.all([gather(child.stdout), gather(child.stderr)]);
  return { child, ended, output: () => text };
}
