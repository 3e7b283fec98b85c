import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";

import { projectFiles, root } from "../architecture/project-files.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

let home: TempHome;

beforeAll(async () => {
  home = await tempHome();
});

afterAll(() => home?.remove());

/** Names in a ZIP archive, from its central directory. */
function namesIn(archive: Buffer): string[] {
  const names: string[] = [];
  const end = archive.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    const [name, extra, comment] = [28, 30, 32].map((offset) => archive.readUInt16LE(at + offset)) as [
      number,
      number,
      number,
    ];
    names.push(archive.toString("utf8", at + 46, at + 46 + name));
    at += 46 + name + extra + comment;
  }
  return names;
}

test("the plugin for MSK Connect holds pom.xml's Debezium with its driver, in one folder, and nothing that Kafka Connect has itself", async () => {
  const target = join(home.path, "plugin.zip");
  const child = Bun.spawn([process.execPath, "scripts/make-connect-plugin.ts", target], {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [err, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  expect({ code, err }).toEqual({ code: 0, err: "" });

  const names = namesIn(Buffer.from(await Bun.file(target).arrayBuffer())).filter((name) => name.endsWith(".jar"));
  const [, version] = /<version\.debezium>([^<]+)</.exec(projectFiles("engine/stack/pom.xml")[0]?.source ?? "") ?? [];
  expect(names).toContain(`ekiden-outbox/debezium-connector-postgres-${version}.jar`);
  expect(names.filter((name) => /\/(?:postgresql|protobuf-java|debezium-util)-/.test(name))).toHaveLength(3);
  expect(names.filter((name) => !name.startsWith("ekiden-outbox/"))).toEqual([]);
  expect(names.filter((name) => /\/(?:kafka|connect-|slf4j)/.test(name))).toEqual([]);
}, 120_000);
