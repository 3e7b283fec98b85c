/**
 * `bun run connect-plugin [file]`: Debezium's PostgreSQL connector with what it needs and Kafka Connect does not bring along,
 * in the version of engine/stack/pom.xml, as the archive that MSK Connect takes (dist/connect-plugin.zip). Needs Maven and a JDK.
 */
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

import { jarsGoal } from "../engine/stack/stack-settings.ts";

const POM = join(import.meta.dir, "../engine/stack/pom.xml");
const FOLDER = "ekiden-outbox";

/** What Kafka Connect gives to every plugin. */
const KAFKA_CONNECTS_OWN =
  /^(?:connect-api|kafka-clients|lz4-java|snappy-java|zstd-jni|slf4j-api|jakarta\.ws\.rs-api)-/;

/** The pom with Debezium alone. */
function connectorPom(pom: string): string {
  return pom.replaceAll(/\s*<dependency>.*?<\/dependency>/gs, (block) => (block.includes("io.debezium") ? block : ""));
}

async function run(...command: readonly string[]): Promise<void> {
  const [program = ""] = command;
  if (Bun.which(program) === null)
    throw new Error(`there is no \`${program}\`: Maven and a JDK of 17 or newer are needed`);
  const child = Bun.spawn([...command], { stdio: ["ignore", "pipe", "pipe"] });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`${program} ended with ${code}:\n${out}${err}`);
}

/** Writes the archive and returns the jars in it. */
async function makePlugin(target: string): Promise<readonly string[]> {
  const work = await mkdtemp(join(tmpdir(), "ekiden-plugin-"));
  try {
    const jars = join(work, "plugin", FOLDER);
    await mkdir(jars, { recursive: true });
    await Bun.write(join(work, "pom.xml"), connectorPom(await Bun.file(POM).text()));
    const options = [`-DoutputDirectory=${jars}`, "-DincludeScope=runtime"];
    await run("mvn", "-q", "-B", "-f", join(work, "pom.xml"), jarsGoal, ...options);
    const own = (await readdir(jars)).filter((name) => KAFKA_CONNECTS_OWN.test(name));
    for (const name of own) await rm(join(jars, name));
    await mkdir(dirname(target), { recursive: true });
    await run("jar", "--create", "--no-manifest", "--file", target, "-C", join(work, "plugin"), ".");
    return (await readdir(jars)).sort();
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const target = resolve(process.argv[2] ?? "dist/connect-plugin.zip");
try {
  const jars = await makePlugin(target);
  console.log(`${target}\n${jars.map((jar) => `  ${jar}`).join("\n")}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
