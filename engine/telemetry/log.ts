import type { Log } from "../sdk.ts";
import { oneLine } from "./printable.ts";

export type Level = "info" | "warn" | "error";
export type Fields = Readonly<Record<string, unknown>>;

/** Writes one line an event: for a person (`pretty`) or for a program (`json`). */
export function createLog(
  format: "pretty" | "json",
  write: (line: string) => void = (line) => void process.stderr.write(line),
): Log {
  const print = format === "json" ? jsonLine : prettyLine;
  const at = (level: Level) => (message: string, fields?: Fields) => write(`${print(level, message, fields ?? {})}\n`);
  return { info: at("info"), warn: at("warn"), error: at("error") };
}

function jsonLine(level: Level, message: string, fields: Fields): string {
  return JSON.stringify({ at: new Date().toISOString(), level, message, ...plain(fields) });
}

/** A list of texts under this name stands below its line, indented: as the place of a mistake with a caret under it. */
const BELOW = "lines";

function prettyLine(level: Level, message: string, fields: Fields): string {
  const time = new Date().toISOString().slice(11, 23);
  // Handlers have fields of this name too, which say something else.
  const lines = isTexts(fields[BELOW]) ? fields[BELOW] : [];
  const beside = Object.entries(plain(fields)).filter(([name]) => name !== BELOW || lines.length === 0);
  const rest = beside.map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  const line = `${time} ${level === "info" ? "" : `${level.toUpperCase()} `}${[message, ...rest].map(oneLine).join("  ")}`;
  return [line, ...lines.map((each) => `  ${oneLine(each)}`)].join("\n");
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

/** Errors become their message, code and hint; their stack stays for the person who debugs. */
export function plain(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? errorText(value) : value]),
  );
}

function errorText(error: Error): string {
  const hint = "hint" in error && typeof error.hint === "string" ? ` (${error.hint})` : "";
  return `${error.message}${hint}`;
}
