import { expect, test } from "bun:test";

import { type DependencyFiles, dependencyFaults } from "./dependencies.ts";
import { projectFiles } from "./project-files.ts";

const files: DependencyFiles = {
  packageJson: projectFiles("package.json")[0]?.source ?? "",
  consoleJson: projectFiles("engine/console/package.json")[0]?.source ?? "",
  lock: projectFiles("bun.lock")[0]?.source ?? "",
  decisions: projectFiles("docs/adr/*.md").map(({ source }) => source),
};

/** With the twelve packages and PostgreSQL, which is one in a package for each platform. */
const THREE_MORE = '"left-pad": "1.3.0", "right-pad": "1.0.1", "is-odd": "3.0.1"';

test("at most 15 direct runtime dependencies, each at one version, with its reason, and locked", () => {
  expect(dependencyFaults(files)).toEqual([]);
});

test.each([
  ['"valibot": "1.5.0"', '"valibot": "^1.5.0"', "valibot: ^1.5.0 is not one version"],
  ['"valibot": "1.5.0"', '"valibot": "latest"', "valibot: latest is not one version"],
  ['"hono": "4.13.19"', '"hono": "4.13.20"', "hono 4.13.20: no page of docs/adr names it with this version"],
  ['"hono": "4.13.19"', '"hono": "4.13.20"', "hono 4.13.20: bun.lock has another one"],
  ['"kafkajs": "2.2.4",', '"kafkajs": "2.2.3",', "kafkajs@2.2.4 is patched, but not what is installed"],
  ['"yaml": "2.9.1"', `"yaml": "2.9.1", ${THREE_MORE}`, "16 direct runtime dependencies, at most 15"],
  ['"yaml": "2.9.1"', '"yaml": "2.9.1", "left-pad": "1.3.0"', "left-pad 1.3.0: no page of docs/adr names it"],
  ['"fast-check": "4.10.2"', '"fast-check": "~4.10.2"', "fast-check: ~4.10.2 is not one version"],
])("%s → %s is found", (from, to, fault) => {
  const packageJson = files.packageJson.replace(from, to);

  expect(packageJson).not.toBe(files.packageJson);
  expect(dependencyFaults({ ...files, packageJson }).join("\n")).toContain(fault);
});

test.each([
  ['"preact": "11.2.0"', '"preact": "^11.2.0"', "preact: ^11.2.0 is not one version"],
  ['"preact": "11.2.0"', '"preact": "11.2.0", "left-pad": "1.3.0"', "left-pad 1.3.0: no page of docs/adr names it"],
])("in the console's own package, %s → %s is found", (from, to, fault) => {
  const consoleJson = files.consoleJson.replace(from, to);

  expect(consoleJson).not.toBe(files.consoleJson);
  expect(dependencyFaults({ ...files, consoleJson }).join("\n")).toContain(fault);
});
