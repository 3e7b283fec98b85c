import { afterEach, beforeEach, expect, test } from "bun:test";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";

import { root } from "../architecture/project-files.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";
import { ekiden } from "./run-cli.ts";

let home: TempHome;

/** Its two imports, and a line to prove what they are. */
function domain(more = ""): string {
  return `import { defineDomain, succeeded } from "ekiden";
import * as v from "valibot";
${more}
export default defineDomain({
  name: "far",
  steps: { run: { input: v.object({}), output: v.object({}), run: async () => succeeded({}) } },
});
`;
}

beforeEach(async () => {
  home = await tempHome();
  await mkdir(join(home.path, "far"));
});

afterEach(() => home.remove());

test("domains anywhere on the disk are loaded: ekiden and valibot come with the engine", async () => {
  await Bun.write(join(home.path, "far/domain.ts"), domain());
  await Bun.write(join(home.path, "far.saga.yaml"), "saga: far\nversion: 1\nsteps:\n  - command: far.run\n");

  const { code, out } = await ekiden(["check"], { EKIDEN_DOMAINS: home.path });

  expect(out).toContain("1 definition and 1 domain: 0 errors, 0 warnings");
  expect(code).toBe(0);
});

test("the project's own domains are loaded from a copy elsewhere", async () => {
  await cp(join(root, "domains"), join(home.path, "domains"), { recursive: true });

  const { code, out } = await ekiden(["check"], { EKIDEN_DOMAINS: join(home.path, "domains") });

  expect(out).toContain("0 errors, 0 warnings");
  expect(code).toBe(0);
});

test("a valibot beside the domains is theirs", async () => {
  await Bun.write(join(home.path, "far/domain.ts"), domain("console.error(`valibot is $" + "{v.whose}`);"));
  const theirs = join(home.path, "node_modules/valibot");
  await Bun.write(join(theirs, "package.json"), '{ "name": "valibot", "version": "9.0.0", "main": "index.js" }');
  await Bun.write(
    join(theirs, "index.js"),
    `export const whose = "theirs"; export * from ${JSON.stringify(Bun.resolveSync("valibot", root))};`,
  );

  const { code, err } = await ekiden(["check"], { EKIDEN_DOMAINS: home.path });

  expect(err).toContain("valibot is theirs");
  expect(code).toBe(0);
});

test("another package that is not there is named, and where to install it", async () => {
  await Bun.write(join(home.path, "far/domain.ts"), domain('import "no-such-package-of-ours";'));

  const { code, out } = await ekiden(["check"], { EKIDEN_DOMAINS: home.path });

  expect(out).toContain("Cannot find package 'no-such-package-of-ours'");
  expect(out).toContain("fix: Install no-such-package-of-ours in ");
  expect(code).toBe(1);
});

test("a package that is not there is not fetched from the registry, whatever stands there under its name", async () => {
  // One that exists: by itself Bun fetches it, and the domain loads.
  await Bun.write(join(home.path, "far/domain.ts"), domain('import "is-odd";'));

  const { code, out } = await ekiden(["check"], { EKIDEN_DOMAINS: home.path });

  expect(out).toContain("Cannot find package 'is-odd'");
  expect(code).toBe(1);
});
