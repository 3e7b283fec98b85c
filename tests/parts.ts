import { UNIT } from "./run-step.ts";

/** Test files that run in one process, after each other. */
export type Part = readonly [name: string, paths: readonly string[]];

/** A test file that names one of these starts Kafka and Kafka Connect, or uses those of the run. */
const NAMES_KAFKA = /support\/kafka|own-stack|startStack|testStack|TRANSPORTS|"kafka"|engine\/stack\//;

/** Folders whose tests start an engine; some of their files need Kafka. */
const WITH_ENGINE = ["contract", "transport", "integration", "e2e", "faults", "fuzz", "model", "console"];

/**
 * The parts of a whole run: lines run side by side, the parts of one line one after the other. What needs Kafka is about
 * half of the time, and much of that is waiting, so the other half fits beside it. The drills start stacks of their own.
 */
export async function partsOfRun(): Promise<readonly (readonly Part[])[]> {
  const [overKafka, embedded] = await byNeed();
  return [
    [["over Kafka", overKafka]],
    [
      ["unit tests, architecture rules and API", [...UNIT, "./tests/api"]],
      ["embedded", embedded.filter((path) => !isConsole(path))],
      ["console", embedded.filter(isConsole)],
      ["documentation and its drills", ["./tests/docs", "./tests/drills"]],
    ],
  ];
}

/** Their share of the time is said by itself. */
function isConsole(path: string): boolean {
  return path.startsWith("./tests/console/");
}

async function byNeed(): Promise<readonly [overKafka: readonly string[], embedded: readonly string[]]> {
  const root = `${import.meta.dir}/..`;
  const found = [...new Bun.Glob(`tests/{${WITH_ENGINE.join(",")}}/**/*.test.ts`).scanSync(root)].toSorted();
  const needs = await Promise.all(
    found.map(async (path) => NAMES_KAFKA.test(await Bun.file(`${root}/${path}`).text())),
  );
  const paths = found.map((path) => `./${path}`);
  return [paths.filter((_, n) => needs[n]), paths.filter((_, n) => !needs[n])];
}
