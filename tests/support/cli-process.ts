import { root } from "../architecture/project-files.ts";

/** `ekiden …` as a process of its own. */
export interface CliProcess {
  /** Lines of standard output so far. */
  lines(): readonly string[];
  /** Standard error so far. */
  errors(): string;
  kill(signal: NodeJS.Signals): void;
  /** Its exit code; 128 + the signal's number when it was killed. */
  readonly ended: Promise<number>;
}

/** Starts `ekiden` against the engine at `url`; standard input is `input`, or nothing. */
export function cliProcess(
  args: readonly string[],
  url: string,
  input = "",
  environment: Readonly<Record<string, string>> = {},
): CliProcess {
  const child = Bun.spawn([process.execPath, "engine/boot.ts", "engine/cli.ts", ...args], {
    cwd: root,
    env: { ...process.env, EKIDEN_URL: url, ...environment },
    stdio: [new Blob([input]), "pipe", "pipe"],
  });
  let out = "";
  let errors = "";
  const ended = Promise.all([
    child.exited,
    gather(child.stdout, (text) => {
      out += text;
    }),
    gather(child.stderr, (text) => {
      errors += text;
    }),
  ]).then(([code]) => code);
  return {
    lines: () => out.split("\n").slice(0, -1),
    errors: () => errors,
    kill: (signal) => child.kill(signal),
    ended,
  };
}

async function gather(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) add(decoder.decode(chunk, { stream: true }));
}
