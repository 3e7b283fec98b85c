import { readFileSync } from "node:fs";
import { dirname, relative, resolve, sep } from "node:path";

import { renderPlace } from "../definition/render-diagnostic.ts";

/** One mistake in a file of a domain, and where. Lines and columns count from 1. */
export interface Fault {
  /** As a person types it, from the working directory. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** How many are shown: the first ones of a file cause most of the others. */
const SHOWN_MAX = 10;

/** Where it went wrong, as far as what `import` threw says it: mistakes of the language, a missing import, a throw at the load. */
export function faultsOf(error: unknown, folder: string): readonly Fault[] {
  const errors: unknown[] = error instanceof AggregateError ? error.errors : [error];
  return errors
    .map((each) => built(each) ?? missing(each) ?? thrown(each, folder))
    .filter((fault) => fault !== undefined)
    .slice(0, SHOWN_MAX);
}

/** All of them for a terminal, each with its line and a caret. */
export function renderFaults(faults: readonly Fault[]): string {
  return faults
    .map((fault) => renderPlace(fault.file, sourceOf(fault.file), fault, `error: ${fault.message}`))
    .join("\n");
}

/** What the file says; empty when it cannot be read. */
export function sourceOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

interface BuildError {
  readonly message: string;
  readonly position?: { readonly file: string; readonly line: number; readonly column: number } | null;
}

/** A mistake that the compiler found. */
function built(error: unknown): Fault | undefined {
  if (typeof error !== "object" || error === null || !("position" in error)) return undefined;
  const { message, position } = error as BuildError;
  if (position === null || position === undefined || position.line < 1) return undefined;
  return placed(position.file, position.line, position.column, message);
}

/** A package or file that is not there: where it is imported. */
function missing(error: unknown): Fault | undefined {
  if (!(error instanceof Error) && !isMessage(error)) return undefined;
  const found = /^(Cannot find (?:package|module) ['"]([^'"]+)['"]) (?:imported )?from ['"]?([^'"]+?)['"]?$/.exec(
    error.message,
  );
  const [, said = "", name = "", importer = ""] = found ?? [];
  const lines = sourceOf(importer).split("\n");
  const at = lines.findIndex((line) => line.includes(`"${name}"`) || line.includes(`'${name}'`));
  if (found === null || at === -1) return undefined;
  return placed(importer, at + 1, (lines[at]?.indexOf(name) ?? 0) + 1, said);
}

/** Code that threw while it was loaded: the first place of the domains' own in its stack. */
function thrown(error: unknown, folder: string): Fault | undefined {
  if (!(error instanceof Error)) return undefined;
  const own = `${dirname(resolve(folder))}${sep}`;
  for (const [, file, line, column] of (error.stack ?? "").matchAll(/^\s+at (?:.* \()?(.+):(\d+):(\d+)\)?$/gm))
    if (file?.startsWith(own)) return placed(file, Number(line), Number(column), `${error.name}: ${error.message}`);
  return undefined;
}

function isMessage(error: unknown): error is { readonly message: string } {
  return typeof error === "object" && error !== null && "message" in error && typeof error.message === "string";
}

function placed(file: string, line: number, column: number, message: string): Fault {
  return { file: relative(process.cwd(), file), line, column: Math.max(1, column), message };
}
