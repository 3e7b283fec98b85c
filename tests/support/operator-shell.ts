import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const COMMAND_MS = 180_000;

/** A terminal of somebody on call: the commands of the runbook run in it as they stand there. */
export class OperatorShell {
  readonly #folder: string;
  readonly #environment: () => Record<string, string>;
  #bin: Promise<string> | undefined;

  /** `environment`: DATABASE_URL, EKIDEN_URL and so on, as they are at the time of a command. */
  constructor(folder: string, environment: () => Record<string, string>) {
    this.#folder = folder;
    this.#environment = environment;
  }

  /** Runs one command. It may fail: the code says so. */
  async run(command: string): Promise<{ readonly code: number; readonly output: string }> {
    this.#bin ??= tools();
    const environment = this.#environment();
    const child = Bun.spawn(
      ["bash", "-c", command.replaceAll("http://127.0.0.1:8080", environment["EKIDEN_URL"] ?? "")],
      {
        cwd: this.#folder,
        env: { PATH: `${await this.#bin}:${process.env.PATH}`, HOME: process.env.HOME ?? "", ...environment },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    const timer = setTimeout(() => child.kill("SIGKILL"), COMMAND_MS);
    const texts = [new Response(child.stdout).text(), new Response(child.stderr).text()];
    const [out = "", errors = ""] = await Promise.all(texts);
    const code = await child.exited;
    clearTimeout(timer);
    return { code, output: out + errors };
  }

  async close(): Promise<void> {
    if (this.#bin !== undefined) await rm(await this.#bin, { recursive: true, force: true });
  }
}

/** A folder with this very bun, and a psql for machines that have none. */
async function tools(): Promise<string> {
  const bin = await mkdtemp(join(tmpdir(), "ekiden-bin-"));
  const psql = `'${process.execPath}' '${join(import.meta.dir, "psql.ts")}'`;
  for (const [name, program] of [
    ["bun", `'${process.execPath}'`],
    ["psql", psql],
  ] as const) {
    await Bun.write(join(bin, name), `#!/bin/sh\nexec ${program} "$@"\n`);
    await chmod(join(bin, name), 0o755);
  }
  return bin;
}
