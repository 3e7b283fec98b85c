import { join, resolve } from "node:path";

import { type RunningStack, startStack } from "../../engine/stack/start-stack.ts";
import { endsWithTheRun } from "./teardown.ts";
import { tempHome } from "./temp-home.ts";

/** The run's own stack, with the folders it was started from so that a test can start a part of it again. */
export interface TestStack extends RunningStack {
  readonly home: string;
  readonly java: string;
}

let shared: Promise<TestStack> | undefined;

/** Where the jars are kept from run to run. */
export const testJava = join(resolve(process.env.EKIDEN_TEST_HOME || join(import.meta.dir, "../../.ekiden")), "java");

/** PostgreSQL, Kafka and Kafka Connect with Debezium for the whole run, started on first use. */
export function testStack(): Promise<TestStack> {
  shared ??= start();
  return shared;
}

async function start(): Promise<TestStack> {
  const home = await tempHome();
  const stack = await startStack({ home: home.path, java: testJava });
  endsWithTheRun({
    stop: async () => {
      shared = undefined;
      await stack.stop();
      await home.remove();
    },
    killNow: () => {
      stack.connect.kill("SIGKILL");
      stack.kafka.kill("SIGKILL");
      process.kill(stack.postgres.pid, "SIGINT");
    },
  });
  return { ...stack, home: home.path, java: testJava };
}
