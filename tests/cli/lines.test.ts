import { expect, test } from "bun:test";
import fc from "fast-check";

import { type Line, readLines } from "../../engine/cli/bulk/lines.ts";

const MAX_BYTES = 64;

async function linesOf(...chunks: readonly (string | Uint8Array)[]): Promise<Line[]> {
  const bytes = chunks.map((chunk) => (typeof chunk === "string" ? Buffer.from(chunk) : chunk));
  return Array.fromAsync(readLines(streamOf(bytes), "in.ndjson", MAX_BYTES));
}

async function* streamOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

test("a line has its number and where it ends; the last one needs no line feed", async () => {
  expect(await linesOf('{"a":1}\n{"b":', "2}\n", '{"c":3}')).toEqual([
    { number: 1, end: 8, text: '{"a":1}' },
    { number: 2, end: 16, text: '{"b":2}' },
    { number: 3, end: 23, text: '{"c":3}' },
  ]);
});

test("blank lines, a byte order mark and carriage returns are passed over, and counted as editors do", async () => {
  expect(await linesOf("\ufeffone\r\n", "\r\n  \n", "two\r\n", "")).toEqual([
    { number: 1, end: 8, text: "one" },
    { number: 4, end: 18, text: "two" },
  ]);
  expect(await linesOf()).toEqual([]);
});

test("a line that is too long, or no UTF-8, is a fault of its own and the next one is read", async () => {
  const lines = await linesOf("x".repeat(40), "x".repeat(40), "\nshort\n", new Uint8Array([0xc3, 0x28, 0x0a]), "last");

  expect(lines.map(({ number, text, fault }) => [number, text, fault?.code])).toEqual([
    [1, "", "request.too-large"],
    [2, "short", undefined],
    [3, "", "request.malformed-json"],
    [4, "last", undefined],
  ]);
  expect(lines[0]?.fault?.detail).toBe("has 80 bytes, more than the 64 that a body may have");
});

test("of a stream without line feeds nothing is kept beyond the bound", async () => {
  const chunk = new Uint8Array(1_048_576).fill(0x78);
  const before = process.memoryUsage().arrayBuffers;
  const endless = (async function* () {
    for (let at = 0; at < 256; at++) yield chunk.slice();
  })();
  const [line] = await Array.fromAsync(readLines(endless, "endless", MAX_BYTES));

  expect(line?.fault?.detail).toStartWith("has 268435456 bytes");
  Bun.gc(true);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1_048_576);
});

test("what is no text in UTF-8 at all is refused with the command that makes it so", async () => {
  await expect(linesOf(Buffer.from("\ufeff{}", "utf16le"))).rejects.toThrow(
    "fix: iconv -f UTF-16 -t UTF-8 'in.ndjson' | ekiden",
  );
  await expect(linesOf(Bun.gzipSync("{}"))).rejects.toThrow("fix: gzip -dc 'in.ndjson' | ekiden");
});

test("however a stream is cut, its lines are the same", async () => {
  const text = fc.array(fc.constantFrom("a", "日本", "\n", "\r\n", " ", "{}", "\ufeff"), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.nat(60), { maxLength: 6 }), async (parts, cuts) => {
      const bytes = Buffer.from(parts.join(""));
      const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
      const chunks = at.slice(1).map((to, index) => bytes.subarray(at[index], to));

      expect(await linesOf(...chunks)).toEqual(await linesOf(bytes));
    }),
  );
});
