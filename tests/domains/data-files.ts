import { join } from "node:path";
import type { ApplicationInput } from "../../scripts/make-applications.ts";

const folder = join(import.meta.dir, "../../domains/data");

/** The committed source data. */
export function germanCreditCsv(): Promise<string> {
  return Bun.file(join(folder, "german-credit.csv")).text();
}

/** The committed result of the data script, as text. */
export function applicationsNdjson(): Promise<string> {
  return Bun.file(join(folder, "applications.ndjson")).text();
}

/** The committed applications, parsed. */
export async function committedApplications(): Promise<ApplicationInput[]> {
  const lines = (await applicationsNdjson()).trimEnd().split("\n");
  return lines.map((line): ApplicationInput => JSON.parse(line));
}
