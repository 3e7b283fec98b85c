import type { Said } from "./driven.ts";
import type { Run } from "./load.ts";
import type { Load } from "./timed-load.ts";

/** A program that runs loads when told to; see driven.ts. */
export class DrivenProgram {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #said: AsyncGenerator<Said>;
  readonly #name: string;

  private constructor(name: string, command: readonly string[], environment: Readonly<Record<string, string>>) {
    this.#name = name;
    this.#child = Bun.spawn([...command], {
      env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", ...environment },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#said = linesOf(this.#child.stdout);
  }

  /** Starts it and waits until it is ready. @throws when it ends instead. */
  static async start(
    name: string,
    command: readonly string[],
    environment: Readonly<Record<string, string>>,
  ): Promise<DrivenProgram> {
    const program = new DrivenProgram(name, command, environment);
    try {
      await program.#next();
    } catch (error) {
      await program.stop();
      throw error;
    }
    return program;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** @throws when a saga ended otherwise than it should, and when the program is gone. */
  async run(load: Load): Promise<Run> {
    this.#child.stdin.write(`${JSON.stringify(load)}\n`);
    await this.#child.stdin.flush();
    const said = await this.#next();
    if (!("run" in said)) throw new Error(`${this.#name}: not a run: ${JSON.stringify(said)}`);
    return said.run;
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    const late = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
    await this.#child.exited;
    clearTimeout(late);
  }

  async #next(): Promise<Said> {
    const { value, done } = await this.#said.next();
    if (done || value === undefined) throw new Error(`${this.#name} ended with ${await this.#child.exited}`);
    if ("failed" in value) throw new Error(`${this.#name}: ${value.failed}`);
    return value;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Said> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (/^\{"(?:ready|run|failed)":/.test(line)) yield JSON.parse(line) as Said;
  }
}
