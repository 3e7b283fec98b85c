import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { findJava } from "./java.ts";
import { asFolderError, StackError } from "./stack-error.ts";
import { jarsGoal } from "./stack-settings.ts";

const run = promisify(execFile);
const pom = fileURLToPath(new URL("pom.xml", import.meta.url));

/**
 * The folder with all jars of pom.xml, below `folder`; fetched once for each content of pom.xml.
 * Throws StackError `stack.maven-missing`, `stack.java-missing`, `stack.fetch-failed`, `stack.home-unwritable`.
 */
export async function fetchJars(folder: string, signal?: AbortSignal): Promise<string> {
  const stamp = createHash("sha256")
    .update(await readFile(pom))
    .digest("hex")
    .slice(0, 12);
  const jars = join(folder, stamp);
  if (await exists(jars)) return jars;
  await findJava();
  const draft = join(folder, `${stamp}.${process.pid}`);
  try {
    await mkdir(draft, { recursive: true });
    await copyDependencies(draft, signal);
    await removeOlder(folder, stamp);
    await rename(draft, jars);
  } catch (error) {
    // Somebody else may have fetched the same jars meanwhile.
    if (!(await exists(jars))) throw asFolderError(folder, error);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return jars;
}

async function copyDependencies(target: string, signal?: AbortSignal): Promise<void> {
  const options = ["-q", "-B", "-f", pom, jarsGoal, `-DoutputDirectory=${target}`, "-DincludeScope=runtime"];
  try {
    await run("mvn", options, { timeout: 600_000, maxBuffer: 16 * 1024 * 1024, ...(signal && { signal }) });
  } catch (error) {
    signal?.throwIfAborted();
    throw fetchError(error);
  }
}

function fetchError(error: unknown): StackError {
  const { code, stdout } = error as { code?: unknown; stdout?: string };
  if (code === "ENOENT") {
    const hint = "Install Apache Maven 3.6 or newer (on Debian: apt-get install maven).";
    return new StackError("stack.maven-missing", "Kafka and Debezium are fetched by Maven: no `mvn` found", hint);
  }
  const reason = (stdout ?? "").split("\n").find((line) => line.startsWith("[ERROR]")) ?? String(error);
  const hint = `Is Maven Central reachable? The whole story: mvn -B -f ${pom} ${jarsGoal}`;
  return new StackError("stack.fetch-failed", `Maven could not fetch Kafka and Debezium: ${reason}`, hint);
}

async function removeOlder(folder: string, stamp: string): Promise<void> {
  // Complete folders only: a longer name is another process' draft.
  const older = (await readdir(folder)).filter((name) => /^[0-9a-f]{12}$/.test(name) && name !== stamp);
  for (const name of older) await rm(join(folder, name), { recursive: true, force: true });
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
