import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

import { StackError } from "./stack-error.ts";
import { javaOldest } from "./stack-settings.ts";

const run = promisify(execFile);

/** The `java` program to use: JAVA_HOME's, or the one on the PATH. Throws StackError `stack.java-missing`. */
export async function findJava(): Promise<string> {
  const home = process.env.JAVA_HOME;
  const java = home === undefined || home === "" ? "java" : join(home, "bin", "java");
  const version = await majorVersion(java);
  if (version !== undefined && version >= javaOldest) return java;
  const found = version === undefined ? `${java} cannot be run` : `${java} is Java ${version}`;
  const hint = "Install a JDK of 17 or newer (on Debian: openjdk-17-jre-headless), or point JAVA_HOME at one.";
  throw new StackError("stack.java-missing", `Kafka needs Java ${javaOldest} or newer, and ${found}`, hint);
}

async function majorVersion(java: string): Promise<number | undefined> {
  try {
    // The version goes to stderr, as in: openjdk version "17.0.15" 2025-04-15
    const { stderr } = await run(java, ["-version"]);
    const major = /version "(?:1\.)?(\d+)/.exec(stderr)?.[1];
    return major === undefined ? undefined : Number(major);
  } catch {
    return undefined;
  }
}
