import { resolve } from "node:path";

/** The project's own folder. */
const root = resolve(import.meta.dir, "..");

/** How long the rest of a step's output is waited for once it has ended. */
const REST_MS = 2000;

/** A part of a run: a program of the project, its arguments, and what it is called. */
export interface Step {
  readonly name: string;
  /** Run by this very bun: none has to be on the PATH. */
  readonly args: readonly string[];
}

/** Runs one step with its output passed through, and each line told; says how long it took. True: it went well. */
export async function runStep({ name, args }: Step, told: (line: string) => void = () => {}): Promise<boolean> {
  const began = performance.now();
  console.log(`── ${name}`);
  const child = Bun.spawn([process.execPath, ...args], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  const passedOn = Promise.all([
    passOn(child.stdout, process.stdout, told),
    passOn(child.stderr, process.stderr, told),
  ]);
  let interrupted = false;
  const forward = () => {
    interrupted = true;
    child.kill("SIGTERM");
  };
  process.on("SIGINT", forward).on("SIGTERM", forward);
  const code = await child.exited;
  // A process that the step left behind may hold its output open.
  await Promise.race([passedOn, Bun.sleep(REST_MS)]);
  process.off("SIGINT", forward).off("SIGTERM", forward);
  // Whoever interrupts a run wants no further part of it.
  if (interrupted) process.exit(130);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`── ${name}: ${code === 0 ? "ok" : `FAILED (exit code ${code})`}, ${seconds} s`);
  return code === 0;
}

/** Writes each line at once to where it would have gone, and tells it. */
export async function passOn(
  from: AsyncIterable<Uint8Array>,
  to: { write(text: string): unknown },
  told: (line: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let begun = "";
  for await (const chunk of from) {
    const lines = (begun + decoder.decode(chunk, { stream: true })).split("\n");
    begun = lines.pop() ?? "";
    for (const line of lines) {
      to.write(`${line}\n`);
      told(line);
    }
  }
  if (begun === "") return;
  to.write(`${begun}\n`);
  told(begun);
}

/** Tests of parts, without an engine. */
export const UNIT = [
  "architecture",
  "core",
  "coverage",
  "definition",
  "simulate",
  "simulation",
  "scenario",
  "graph",
  "timeline",
  "domains",
  "bench",
  "cli",
].map((kind) => `./tests/${kind}`);

/** Tests of those folders that need a database, or try out everything: most of the time of them all. */
export const NOT_IN_CHECK: readonly string[] = [
  "tests/core/explore.test.ts",
  "tests/simulation/planted.test.ts",
  "tests/simulation/simulation.test.ts",
  "tests/timeline/consumption-place.test.ts",
  "tests/timeline/migrate-beside.test.ts",
  "tests/timeline/migrate-says.test.ts",
  "tests/timeline/schedule-since.test.ts",
  "tests/timeline/session-bounds.test.ts",
  "tests/timeline/size.test.ts",
  "tests/timeline/stored-steps.test.ts",
];

/** The branches of the core that the tests take, asserted on the share, never on the time. */
export const COVERAGE: Step = {
  name: "branch coverage of the core",
  args: ["engine/boot.ts", "tests/coverage/main.ts"],
};

/** What can be said without running the product. */
export const STATIC_STEPS: readonly Step[] = [
  { name: "types", args: ["node_modules/typescript/bin/tsc", "-p", "."] },
  { name: "types of the console", args: ["node_modules/typescript/bin/tsc", "-p", "engine/console"] },
  { name: "lint", args: ["node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings"] },
  { name: "ekiden check", args: ["engine/boot.ts", "engine/cli.ts", "check"] },
];
