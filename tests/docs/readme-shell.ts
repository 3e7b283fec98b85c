import { chmod, mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";

import { eventually } from "../support/engine.ts";
import { testJava } from "../support/stack.ts";
import { copyTree, type Tree } from "../support/tree.ts";

const COMMAND_MS = 120_000;
/** `bun run stack` may have to fetch its parts first. */
const READY_MS = 240_000;
const STOPPED_MS = 60_000;
/** The last thing that an engine or a stack prints at its start. */
const READY = /^(?:Ekiden is ready[\s\S]*curl|ready in[\s\S]*Ctrl-C) [\s\S]*\n/m;

/** What the README's own addresses are here: free ports, so that a run disturbs nobody. */
type Addresses = Map<string, string>;

interface Background {
  readonly child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly output: () => string;
}

/**
 * Runs the command blocks of a README one after another, as a reader would in terminals that stand in one fresh copy of
 * the tree. Variables that a block exports stay. A block that ends in `run engine` or `run stack` is started and awaited
 * until it says that it is ready; the engine before it is stopped as with Ctrl-C. Everything else must end with exit
 * code 0. Ports are free ones: 127.0.0.1:8080, :9092 and :8083 in a block are replaced by those.
 */
export class ReadmeShell {
  readonly tree: Tree;
  readonly #background = new Map<string, Background>();
  readonly #addresses: Addresses = new Map();

  private constructor(tree: Tree) {
    this.tree = tree;
  }

  static async open(): Promise<ReadmeShell> {
    const tree = await copyTree();
    // Run by root, PostgreSQL's own user must be able to enter.
    await chmod(tree.path, 0o755);
    await mkdir(join(tree.path, ".ekiden", "bin"), { recursive: true });
    await mkdir(testJava, { recursive: true });
    await symlink(testJava, join(tree.path, ".ekiden", "java"));
    await symlink(process.execPath, join(tree.path, ".ekiden", "bin", "bun"));
    return new ReadmeShell(tree);
  }

  /** Runs a block and returns all that it printed. Throws when a command of it fails. */
  async run(block: string): Promise<string> {
    const text = [...this.#addresses].reduce((all, [from, to]) => all.replaceAll(from, to), block);
    const [, before = "", last = "", program] = /^(.*?)([^\n]*\brun (engine|stack))\s*$/s.exec(text) ?? [];
    if (program === undefined) return this.#foreground(text);
    const printed = before.trim() === "" ? "" : await this.#foreground(before);
    return printed + (await this.#start(program, last));
  }

  /** The database that the engine of the last block uses. */
  async databaseUrl(): Promise<string> {
    return (await this.#foreground('echo "${DATABASE_URL:-$(cat .ekiden/database.url)}"')).trim();
  }

  async close(): Promise<void> {
    try {
      for (const program of ["engine", "stack"]) await this.#stop(program);
    } finally {
      await this.tree.remove();
    }
  }

  #spawn(script: string): Background {
    const child = Bun.spawn(
      ["bash", "-euo", "pipefail", "-c", `touch .ekiden/environment; . .ekiden/environment; ${script}`],
      {
        cwd: this.tree.path,
        env: this.#environment(),
        stdio: ["ignore", "pipe", "pipe"],
        // A process group of its own, which Ctrl-C reaches as a whole.
        detached: true,
      },
    );
    let text = "";
    const gather = async (stream: ReadableStream<Uint8Array>) => {
      for await (const chunk of stream) text += new TextDecoder().decode(chunk);
    };
    void Promise.all([gather(child.stdout), gather(child.stderr)]);
    return { child, output: () => text };
  }

  #environment(): Record<string, string> {
    const { HOME = "", PATH = "", JAVA_HOME = "" } = process.env;
    const url = this.#addresses.get("127.0.0.1:8080");
    const path = `${join(this.tree.path, ".ekiden", "bin")}:${PATH}`;
    return { HOME, JAVA_HOME, PATH: path, PORT: "0", ...(url === undefined ? {} : { EKIDEN_URL: `http://${url}` }) };
  }

  async #foreground(script: string): Promise<string> {
    const { child, output } = this.#spawn(
      `${script}\nexport -p | grep -vE ' (PWD|OLDPWD|SHLVL|PATH|PORT|EKIDEN_URL)=' > .ekiden/environment`,
    );
    const timer = setTimeout(() => process.kill(-child.pid, "SIGKILL"), COMMAND_MS);
    const code = await child.exited;
    clearTimeout(timer);
    if (code !== 0) throw new Error(`exit code ${code} of:\n${script}\n${output()}`);
    return output();
  }

  async #start(program: string, command: string): Promise<string> {
    await this.#stop(program);
    const started = this.#spawn(`${command}`);
    this.#background.set(program, started);
    const ended = started.child.exited.then((code) => {
      throw new Error(`${command} ended with exit code ${code}:\n${started.output()}`);
    });
    const ready = eventually(`${command} is ready`, async () => READY.test(started.output()), READY_MS);
    await Promise.race([ready, ended]);
    const output = started.output();
    this.#learn(program, output);
    return output;
  }

  #learn(program: string, output: string): void {
    const address = (pattern: RegExp) => pattern.exec(output)?.[1] ?? "";
    if (program === "engine") this.#addresses.set("127.0.0.1:8080", address(/http:\/\/(127\.0\.0\.1:\d+)/));
    if (program !== "stack") return;
    this.#addresses.set("127.0.0.1:9092", address(/KAFKA_BROKERS=(\S+)/));
    this.#addresses.set("127.0.0.1:8083", address(/KAFKA_CONNECT_URL=http:\/\/(\S+)/));
  }

  async #stop(program: string): Promise<void> {
    const running = this.#background.get(program);
    if (running === undefined) return;
    this.#background.delete(program);
    // It may have ended by itself; the message of that has been thrown where it was awaited.
    if (running.child.exitCode !== null) return;
    process.kill(-running.child.pid, "SIGINT");
    const timer = setTimeout(() => process.kill(-running.child.pid, "SIGKILL"), STOPPED_MS);
    const code = await running.child.exited;
    clearTimeout(timer);
    if (code !== 0 && code !== 130)
      throw new Error(`${program} was stopped and ended with ${code}:\n${running.output()}`);
  }
}
