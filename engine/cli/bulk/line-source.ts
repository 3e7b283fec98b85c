import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";

import { errorCode } from "../../timeline/database.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { STANDARD_INPUT } from "./lines.ts";
import { writeError } from "../write-line.ts";

/** Where lines come from. */
export interface LineSource {
  /** What messages call it: `FILE:7` is then a place that editors open. */
  readonly name: string;
  /** Undefined for what has no end yet: a pipe. */
  readonly bytes: number | undefined;
  open(): AsyncIterable<Uint8Array>;
}

/** A file, or standard input for `-`. @throws CliError when it is not there, is a folder, or may not be read */
export async function lineSource(path: string): Promise<LineSource> {
  if (path === "-") {
    if (process.stdin.isTTY) writeError("Reading from the terminal, a line each; Ctrl-D ends.");
    return { name: STANDARD_INPUT, bytes: undefined, open: () => Bun.stdin.stream() };
  }
  const found = await stat(path).catch((error: unknown) => {
    throw new CliError(EXIT.usage, `${path} ${reason(errorCode(error))}`);
  });
  if (found.isDirectory()) throw new CliError(EXIT.usage, `${path} is a folder.\nfix: Name a file in it.`);
  return { name: path, bytes: found.isFile() ? found.size : undefined, open: () => chunksOf(path) };
}

async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  try {
    // Not Bun.file: it refuses devices and named pipes, and with them `<(command)` of a shell.
    for await (const chunk of createReadStream(path)) yield chunk as Uint8Array;
  } catch (error) {
    throw new CliError(EXIT.usage, `${path} ${reason(errorCode(error))}`);
  }
}

function reason(code: string | undefined): string {
  if (code === "ENOENT") return `is not there.\nfix: The path counts from ${process.cwd()}; - reads standard input.`;
  if (code === "EACCES" || code === "EPERM") return "may not be read.\nfix: Give yourself the right to read it.";
  return `cannot be read (${code ?? "unknown reason"}).`;
}
