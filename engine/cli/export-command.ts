import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, constants, mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { createGunzip, createGzip } from "node:zlib";

import type { Command } from "commander";
import * as v from "valibot";

import { DroppedPartition, Partition, PartitionList } from "../api/partition-schema.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { call, stream } from "./client.ts";
import { expect, type OutputOptions, print, withJson } from "./output.ts";
import { table } from "./table.ts";
import { say } from "./write-line.ts";

interface ExportOptions extends OutputOptions {
  readonly partition?: string;
  readonly before?: string;
  readonly to?: string;
  readonly drop?: boolean;
  readonly reason?: string;
}

/** A drop waits for every transaction that reads the table. */
const DROP_MS = 24 * 3_600_000;

type PartitionView = v.InferOutput<typeof Partition>;

/** What stands beside each exported file. */
const Manifest = v.strictObject({
  partition: v.string(),
  from: v.string(),
  to: v.string(),
  rows: v.number(),
  firstId: v.nullable(v.string()),
  lastId: v.nullable(v.string()),
  sha256: v.string(),
});
type Manifest = v.InferOutput<typeof Manifest>;

/** `partitions` and `export`: how far back the event store reaches, and making it shorter. */
export function addExportCommand(program: Command): void {
  withJson(program.command("partitions"))
    .description("list the event store's partitions, and what stands against dropping each")
    .action(async (options: OutputOptions) =>
      print(options, PartitionList, await call("GET", "/v1/partitions"), ({ items }) => listText(items)),
    );
  withJson(program.command("export"))
    .description("write partitions of the event store to files; with --drop, drop what was written")
    .option("--partition <name>", "this one")
    .option("--before <date>", "all that end at or before this day, like 2026-01-01")
    .requiredOption("--to <folder>", "where the files go: <name>.jsonl.gz and <name>.manifest.json")
    .option("--drop", "then drop them; nothing is dropped otherwise")
    .option("--reason <text>", "why; it stands in the audit; needed with --drop")
    .action(exportAll);
}

async function exportAll({ json, partition, before, to = ".", drop = false, reason }: ExportOptions): Promise<void> {
  if (drop && (reason === undefined || reason.trim() === ""))
    throw new CliError(EXIT.usage, "--drop takes requests out of the database: say why with --reason");
  if ((partition === undefined) === (before === undefined))
    throw new CliError(EXIT.usage, "say which with one of --partition and --before");
  if (before !== undefined && (!/^\d{4}-\d\d-\d\d$/.test(before) || Number.isNaN(Date.parse(before))))
    throw new CliError(EXIT.usage, `--before ${before}: must be a day like 2026-01-01`);
  await prepare(to);
  const { items } = expect(PartitionList, await call("GET", "/v1/partitions"));
  const chosen = items.filter((one) =>
    partition === undefined
      ? Date.parse(one.to) <= Date.parse(before ?? "") && (one.state === "closed" || one.state === "dropping")
      : one.name === partition,
  );
  if (partition !== undefined && chosen.length === 0)
    throw new CliError(EXIT.refused, `There is no partition "${partition}": ekiden partitions lists them.`);
  const done: (Manifest & { dropped: boolean })[] = [];
  for (const one of chosen) {
    const manifest = await exportOne(one, to);
    if (drop) await dropOne(manifest, reason ?? "");
    done.push({ ...manifest, dropped: drop });
    if (json !== true)
      say(`${manifest.partition}: ${manifest.rows} requests in ${fileOf(to, one)}${drop ? ", dropped" : ""}`);
  }
  if (json === true) say(JSON.stringify({ items: done }, null, 2));
  else if (done.length === 0) say("No partition ends before that.");
}

/** @throws CliError when no file can be written there */
async function prepare(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new CliError(EXIT.usage, `--to ${folder}: no files can be written there (${code}).`);
  }
}

/** Under its final name a file is complete; what an interrupted run left is written anew. */
async function exportOne(partition: PartitionView, folder: string): Promise<Manifest> {
  const kept = await keptExport(partition, folder);
  if (kept !== undefined) return kept;
  if (partition.state === "dropping" || partition.state === "dropped") {
    const message = `${partition.name} is ${partition.state}, and ${folder} does not hold its export: name the folder that does.`;
    throw new CliError(EXIT.refused, message);
  }
  const path = `/v1/partitions/${encodeURIComponent(partition.name)}`;
  const file = fileOf(folder, partition);
  const written = await writeLines(await stream(`${path}/export`), `${file}.part`);
  const { exported, from, to } = expect(Partition, await call("GET", path));
  if (exported === null || exported.sha256 !== written.sha256 || exported.rows !== written.rows) {
    await rm(`${file}.part`, { force: true });
    throw new CliError(EXIT.refused, `${partition.name} was not exported completely: run it again.`);
  }
  const { rows, sha256, firstId, lastId } = exported;
  const manifest = { partition: partition.name, from, to, rows, firstId, lastId, sha256 };
  await rename(`${file}.part`, file);
  const note = manifestOf(folder, partition);
  await writeSynced(`${note}.part`, `${JSON.stringify(manifest, null, 2)}\n`);
  await rename(`${note}.part`, note);
  return manifest;
}

/** What an earlier run has written, if it is what the engine knows as exported, to the last byte. */
async function keptExport(partition: PartitionView, folder: string): Promise<Manifest | undefined> {
  const note = Bun.file(manifestOf(folder, partition));
  if (partition.exported === null || !(await note.exists())) return undefined;
  const parsed = v.safeParse(Manifest, JSON.parse(await note.text()));
  if (!parsed.success || parsed.output.sha256 !== partition.exported.sha256) return undefined;
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(fileOf(folder, partition)).pipe(createGunzip())) hash.update(chunk);
  } catch {
    return undefined;
  }
  return hash.digest("hex") === parsed.output.sha256 ? parsed.output : undefined;
}

async function writeLines(lines: ReadableStream<Uint8Array>, path: string): Promise<{ sha256: string; rows: number }> {
  const hash = createHash("sha256");
  let rows = 0;
  const gzip = createGzip();
  const file = await open(path, "w");
  try {
    const writing = (async () => {
      for await (const chunk of gzip) await file.write(chunk as Uint8Array);
    })();
    for await (const chunk of lines) {
      hash.update(chunk);
      for (const byte of chunk) if (byte === 10) rows += 1;
      if (!gzip.write(chunk)) await new Promise((resolve) => gzip.once("drain", resolve));
    }
    gzip.end();
    await writing;
    await file.sync();
  } finally {
    await file.close();
  }
  return { sha256: hash.digest("hex"), rows };
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, "w");
  try {
    await file.write(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function dropOne({ partition, sha256, rows }: Manifest, reason: string): Promise<void> {
  const path = `/v1/partitions/${encodeURIComponent(partition)}/drop`;
  expect(DroppedPartition, await call("POST", path, { body: { sha256, rows, reason }, patienceMs: DROP_MS }));
}

function fileOf(folder: string, { name }: PartitionView): string {
  return join(folder, `${name}.jsonl.gz`);
}

function manifestOf(folder: string, { name }: PartitionView): string {
  return join(folder, `${name}.manifest.json`);
}

function listText(items: readonly PartitionView[]): string {
  const rows = items.map((one) => [
    one.name,
    one.state,
    String(one.rowEstimate),
    `${(one.bytes / 1_048_576).toFixed(1)} MiB`,
    String(one.openSagas),
    one.exported === null ? "no" : `${one.exported.rows} rows`,
    one.obstacles.join("; "),
  ]);
  const head = ["PARTITION", "STATE", "ROWS (ABOUT)", "SIZE", "OPEN SAGAS", "EXPORTED", "AGAINST DROPPING IT"];
  return table(head, rows, "There are no partitions.");
}
