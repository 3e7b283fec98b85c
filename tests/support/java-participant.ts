import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { fetchJars } from "../../engine/stack/maven.ts";
import { eventually } from "./engine.ts";
import { testJava } from "./stack.ts";

/** The domain that Participant.java runs, with its sagas. */
export const JAVA = join(import.meta.dir, "java");

/** Participant.java, compiled once. */
export interface JavaProgram {
  start(environment: Readonly<Record<string, string>>): JavaParticipant;
  remove(): Promise<void>;
}

/** One process of it. */
export interface JavaParticipant {
  readonly pid: number;
  output(): string;
  /** Waits until it has partitions. */
  consuming(): Promise<void>;
  /** Waits until it ends by itself; returns the exit code. */
  ended(): Promise<number>;
  /** Sends a signal unless it has ended; returns the exit code (128 when the signal killed it). */
  end(signal: NodeJS.Signals): Promise<number>;
}

/** Compiles Participant.java against the stack's own Kafka client and PostgreSQL driver. */
export async function javaProgram(): Promise<JavaProgram> {
  const jars = join(await fetchJars(testJava), "*");
  const classes = await mkdtemp(join(tmpdir(), "ekiden-java-"));
  const compiler = Bun.spawn(["javac", "-d", classes, "-cp", jars, join(JAVA, "Participant.java")], { stderr: "pipe" });
  const [said, code] = await Promise.all([new Response(compiler.stderr).text(), compiler.exited]);
  if (code !== 0) throw new Error(`javac: ${said}`);
  return {
    start: (environment) => launch([`${classes}:${jars}`, "Participant"], environment),
    remove: () => rm(classes, { recursive: true, force: true }),
  };
}

function launch(
  [path = "", main = ""]: readonly string[],
  environment: Readonly<Record<string, string>>,
): JavaParticipant {
  const options = ["-Xmx64m", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"];
  const child = Bun.spawn(["java", ...options, "-cp", path, main], {
    env: { PATH: process.env.PATH ?? "", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  // A test run that is killed closes this pipe: nothing is left behind.
  const watchdog = Bun.spawn(["sh", "-c", `cat > /dev/null; kill -9 ${child.pid}`], {
    stdin: "pipe",
    stderr: "ignore",
  });
  void child.exited.then(() => watchdog.kill("SIGKILL"));
  let text = "";
  const gather = async (stream: ReadableStream<Uint8Array>) => {
    for await (const chunk of stream) text += new TextDecoder().decode(chunk);
  };
  const gathered = Promise.all([gather(child.stdout), gather(child.stderr)]);
  const ended = async () => {
    await child.exited;
    await gathered;
    return child.exitCode ?? 128;
  };
  return {
    pid: child.pid,
    ended,
    output: () => text,
    async consuming() {
      await eventually(
        "the Java participant has partitions",
        async () => {
          if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${text}`);
          return /consumes [1-9]/.test(text);
        },
        40_000,
      ).catch((error: unknown) => {
        throw new Error(`${error instanceof Error ? error.message : error}\n${text}`);
      });
    },
    async end(signal) {
      child.kill(signal);
      return ended();
    },
  };
}
