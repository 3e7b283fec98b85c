import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "yaml";

import type { Json } from "../../engine/core/json.ts";
import { schemaProblems } from "../../engine/core/json-schema.ts";
import { projectFiles, root } from "../architecture/project-files.ts";
import { ekiden } from "./run-cli.ts";

const shipped = projectFiles("{domains,examples}/**/*.saga.yaml");

test("schema prints the JSON schema of saga files, and nothing else", async () => {
  const { code, out, err } = await ekiden(["schema"]);

  expect(out).toBe(await Bun.file(join(root, "docs/saga.schema.json")).text());
  expect([code, err]).toEqual([0, ""]);
});

test("every definition that ships fits it; a misspelt key, a wrong value and a step of two kinds do not", async () => {
  const schema: Json = JSON.parse((await ekiden(["schema"])).out);
  const problems = (source: string) => schemaProblems(schema, parse(source));
  const steps = (step: string) => `saga: a\nversion: 1\nsteps: [${step}]`;

  expect(shipped.length).toBeGreaterThan(3);
  for (const { source } of shipped) expect(problems(source)).toEqual([]);
  expect(problems(steps("{ notify: a.b, with: {} }"))).toEqual([]);
  expect(problems(steps("{ notify: a.b, wiht: {} }"))).not.toEqual([]);
  expect(problems(steps("{ notify: a.b, with: {}, timeout: [1] }"))).not.toEqual([]);
  expect(problems(steps("{ notify: a.b, wait: signal }"))).not.toEqual([]);
  expect(problems(`vesion: 1\n${steps("{ fail: no }")}`)).toEqual([
    { path: "/vesion", message: "is not a known field" },
  ]);
});

test("the line by which the examples lead an editor to the schema names a file that is there", () => {
  const led = shipped.flatMap(({ path, source }) => {
    const [, target] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(source) ?? [];
    return target === undefined ? [] : [join(root, dirname(path), target)];
  });

  expect(led.length).toBeGreaterThanOrEqual(3);
  expect(led.filter((path) => !existsSync(path))).toEqual([]);
});

test("its help says how an editor takes it", async () => {
  const { code, out } = await ekiden(["schema", "--help"]);

  expect(out).toContain("ekiden schema > saga.schema.json");
  expect(out).toContain("# yaml-language-server: $schema=./saga.schema.json");
  expect(code).toBe(0);
});

test("an argument that it does not take is exit code 2", async () => {
  const { code, err } = await ekiden(["schema", "onboarding"]);

  expect(err).toContain("too many arguments");
  expect(code).toBe(2);
});
