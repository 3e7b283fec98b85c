import type * as v from "valibot";

import { DefinitionDetail, DefinitionList } from "../api/definition-schema.ts";
import type { DefinitionFile } from "../definition/folder.ts";
import { oneLine } from "../telemetry/printable.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { exchange, problemText } from "./client.ts";
import { expect } from "./output.ts";
import { table, time } from "./table.ts";

type Detail = v.InferOutput<typeof DefinitionDetail>;

/** How a definition on disk stands to the one that the engine runs. */
type Standing =
  /** The engine runs this very file. */
  | "running"
  /** An earlier or later content of it. */
  | "known"
  /** The engine has never seen it. */
  | "new"
  /** The file has errors: no engine takes it in. */
  | "broken"
  /** The engine has a definition of that name, the folder has not. */
  | "no-file";

/** One definition: its file and what runs. */
export interface Comparison {
  readonly name: string;
  readonly standing: Standing;
  readonly file?: { readonly path: string; readonly revision: string; readonly version: number };
  /** Of a broken file. */
  readonly path?: string;
  /** Null: the engine has no definition of that name. */
  readonly current: { readonly revision: string; readonly version: number } | null;
  /** Null: it is not retired. */
  readonly retired: Detail["retired"];
  /** Revisions on which sagas have yet to finish. */
  readonly open: Detail["revisions"];
}

/**
 * Asks the engine about each definition. `all`: about those as well that have no file here.
 * @throws CliError when no engine answers, or it refuses
 */
export async function againstRunning(files: readonly DefinitionFile[], all: boolean): Promise<readonly Comparison[]> {
  const byName = new Map(files.flatMap((file) => (file.name === null ? [] : [[file.name, file]])));
  const running = all ? await runningNames() : [];
  const names = [...new Set([...byName.keys(), ...running])].sort();
  return Promise.all(names.map(async (name) => compare(name, byName.get(name), await detailOf(name))));
}

/** The comparison for people. */
export function runningText(comparisons: readonly Comparison[]): string {
  return comparisons.length === 0 ? "The engine has no definition." : comparisons.map(comparisonText).join("\n\n");
}

function compare(name: string, disk: DefinitionFile | undefined, detail: Detail | undefined): Comparison {
  const { definition, file: path = "" } = disk ?? {};
  const revisions = detail?.revisions ?? [];
  return {
    name,
    standing: definition === null ? "broken" : standingOf(definition?.revision, detail),
    ...(definition === null ? { path } : {}),
    ...(definition == null ? {} : { file: { path, revision: definition.revision, version: definition.version } }),
    current: detail === undefined ? null : { revision: detail.revision, version: detail.version },
    retired: detail?.retired ?? null,
    open: revisions.filter(({ open }) => open > 0),
  };
}

function standingOf(revision: string | undefined, detail: Detail | undefined): Standing {
  if (revision === undefined) return "no-file";
  if (detail?.revision === revision) return "running";
  return detail?.revisions.some((each) => each.revision === revision) ? "known" : "new";
}

function comparisonText(comparison: Comparison): string {
  const { name, open, retired } = comparison;
  const rows = open.map(({ revision, version, createdAt, current, open: sagas, parked }) => [
    short(revision),
    String(version),
    time(createdAt),
    `${sagas}`,
    `${parked}`,
    current ? "new sagas run on it" : "",
  ]);
  const none = "no saga is open";
  const never =
    retired === null ? "" : `\nIt was retired at ${time(retired.since)} by ${retired.by}: ${oneLine(retired.reason)}`;
  return `${name}: ${standingText(comparison)}${never}\n${table(["revision", "version", "since", "open", "parked", ""], rows, none)}`;
}

function standingText({ standing, file, path, current }: Comparison): string {
  const here = file === undefined ? "" : `${file.path} (revision ${short(file.revision)}, version ${file.version})`;
  const there = current === null ? "" : `revision ${short(current.revision)}, version ${current.version}`;
  if (standing === "broken") {
    const runs = current === null ? "the engine has no definition of this name" : `the engine runs ${there}`;
    return `${path} has errors, and is not taken in; ${runs}`;
  }
  if (standing === "no-file") return `there is no file here; the engine runs ${there}`;
  if (standing === "running") return `the engine runs ${here}`;
  if (current === null) return `${here} is new to the engine`;
  const what = standing === "known" ? "an earlier revision" : "another revision";
  const lower = (file?.version ?? 0) < current.version;
  const fate = lower
    ? `The engine keeps the higher version: give the file version ${current.version + 1} to run it.`
    : file?.version === current.version
      ? `Give it version ${current.version + 1}: an engine in production refuses other content under the same version.`
      : "New sagas run on it once the engine has it; open ones finish on theirs.";
  return `${here} is ${what} than the running one (${there}).\n${fate}`;
}

function short(revision: string): string {
  return revision.slice(0, 12);
}

async function runningNames(): Promise<readonly string[]> {
  const { status, answer } = await exchange("GET", "/v1/definitions");
  if (status >= 300) throw new CliError(EXIT.refused, problemText(status, answer), answer);
  return expect(DefinitionList, answer).items.map(({ name }) => name);
}

/** Undefined: the engine has no definition of that name. */
async function detailOf(name: string): Promise<Detail | undefined> {
  const { status, answer } = await exchange("GET", `/v1/definitions/${encodeURIComponent(name)}`);
  if (status === 404) return undefined;
  if (status >= 300) throw new CliError(EXIT.refused, problemText(status, answer), answer);
  return expect(DefinitionDetail, answer);
}
