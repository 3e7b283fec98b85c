import { expect, test } from "bun:test";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const BOOT = resolve(import.meta.dir, "../../engine/boot.ts");

test("packages are installed when they are missing or of another version, and else left alone", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ekiden-boot-"));
  try {
    await mkdir(join(folder, "engine"));
    await cp(BOOT, join(folder, "engine/boot.ts"));
    await mkdir(join(folder, "patches"));
    // A package that needs no registry.
    await Bun.write(join(folder, "near/package.json"), '{ "name": "near", "version": "1.0.0" }');
    const dependencies = { near: "file:./near" };
    await Bun.write(join(folder, "package.json"), JSON.stringify({ name: "booted", private: true, dependencies }));
    Bun.spawnSync([process.execPath, "install"], { cwd: folder });
    await mkdir(join(folder, "node_modules/postgres"), { recursive: true });
    await Bun.write(join(folder, "program.ts"), 'console.log("ran", ...process.argv.slice(2));');
    const run = () => {
      const { stdout, stderr, exitCode } = Bun.spawnSync([process.execPath, "engine/boot.ts", "program.ts", "a", "b"], {
        cwd: folder,
      });
      return [exitCode, stdout.toString(), /Installing packages/.test(stderr.toString())];
    };

    expect(run()).toEqual([0, "ran a b\n", true]);
    expect(run()).toEqual([0, "ran a b\n", false]);
    await Bun.write(join(folder, "patches/some.patch"), "another version");
    expect(run()).toEqual([0, "ran a b\n", true]);
    expect(run()).toEqual([0, "ran a b\n", false]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 30_000);
