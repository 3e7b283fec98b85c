import { mistypedClientLines } from "../unknown-variables.ts";
import { writeError } from "./write-line.ts";

let told = false;

/**
 * Says once in a command which variables were probably meant to be one that it reads: without EKIDEN_URL it talks to another
 * engine than the person thinks. On standard error, for standard output may be read by a program.
 */
export function tellMistyped(): void {
  if (told) return;
  told = true;
  for (const line of mistypedClientLines(process.env)) writeError(line);
}

/** For a command that tells of variables itself. */
export function tellMistypedElsewhere(): void {
  told = true;
}
