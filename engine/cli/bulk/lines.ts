import { CliError, EXIT } from "../cli-error.ts";

/** Why a line cannot be sent; shaped as the engine's own problems, with their codes. */
export interface LineFault {
  readonly code: "request.malformed-json" | "request.too-large";
  readonly detail: string;
  readonly hint: string;
}

/** A line of the input that is not blank. */
export interface Line {
  /** From 1, as editors count. */
  readonly number: number;
  /** Bytes of the input up to the end of this line. */
  readonly end: number;
  /** Without its line ending. Empty when there is a fault. */
  readonly text: string;
  readonly fault?: LineFault;
}

const NEWLINE = 0x0a;
/** First bytes of what is no text in UTF-8, and how to make it so. */
const FOREIGN: readonly (readonly [bytes: readonly number[], what: string, fix: string])[] = [
  [[0xff, 0xfe], "UTF-16", "iconv -f UTF-16 -t UTF-8"],
  [[0xfe, 0xff], "UTF-16", "iconv -f UTF-16 -t UTF-8"],
  [[0x1f, 0x8b], "compressed with gzip", "gzip -dc"],
];

/**
 * The lines of a stream, one after another: never more than one line and one chunk is held. Blank lines are left out, a
 * byte order mark and carriage returns before the line ending are dropped; a line over `maxBytes` is passed over.
 * @throws CliError when the stream is no text in UTF-8 at all; `name` is what the person calls it
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  maxBytes: number,
): AsyncGenerator<Line, void, void> {
  const line = new Gathered(maxBytes);
  let end = 0;
  let number = 1;
  for await (const chunk of chunks) {
    if (end === 0 && line.bytes === 0) refuseForeign(chunk, name);
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      line.add(chunk.subarray(from, at));
      end += line.bytes + 1;
      yield* line.take(number++, end);
      from = at + 1;
    }
    line.add(chunk.subarray(from));
  }
  yield* line.take(number, end + line.bytes);
}

/** What of a line has come. */
class Gathered {
  bytes = 0;
  #parts: Uint8Array[] = [];

  constructor(readonly maxBytes: number) {}

  add(part: Uint8Array): void {
    this.bytes += part.length;
    // A line over the bound is counted only: whoever gives a file without line endings must not fill the memory.
    if (this.bytes > this.maxBytes) this.#parts = [];
    else if (part.length > 0) this.#parts.push(part);
  }

  *take(number: number, end: number): Generator<Line> {
    const { bytes } = this;
    const parts = this.#parts;
    this.bytes = 0;
    this.#parts = [];
    if (bytes > this.maxBytes) yield { number, end, text: "", fault: tooLong(bytes, this.maxBytes) };
    else yield* decoded(Buffer.concat(parts, bytes), number, end);
  }
}

function* decoded(bytes: Uint8Array, number: number, end: number): Generator<Line> {
  try {
    // It drops a byte order mark by itself, also one in the middle, where `cat` has joined two files.
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes).trim();
    if (text !== "") yield { number, end, text };
  } catch {
    const hint = "Write the file in UTF-8.";
    yield { number, end, text: "", fault: { code: "request.malformed-json", detail: "is no UTF-8", hint } };
  }
}

function tooLong(bytes: number, maxBytes: number): LineFault {
  return {
    code: "request.too-large",
    detail: `has ${bytes} bytes, more than the ${maxBytes} that a body may have`,
    hint: "One JSON value a line, each ended by a line feed. Keep large data elsewhere and send a reference to it.",
  };
}

function refuseForeign(chunk: Uint8Array, name: string): void {
  const found = FOREIGN.find(([bytes]) => bytes.every((byte, at) => chunk[at] === byte));
  if (found === undefined) return;
  const [, what, fix] = found;
  const from = name === STANDARD_INPUT ? "" : ` '${name}'`;
  throw new CliError(EXIT.usage, `${name} is ${what}, not text in UTF-8.\nfix: ${fix}${from} | ekiden … --from -`);
}

/** What messages call the input that `-` stands for. */
export const STANDARD_INPUT = "standard input";
