import { writeFile } from "node:fs/promises";

/** Writes a Java properties file; backslashes and line ends in values are escaped. */
export async function writeProperties(path: string, properties: Record<string, string | number>): Promise<void> {
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${escaped(String(value))}\n`);
  await writeFile(path, lines.join(""));
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
