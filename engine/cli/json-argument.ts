import { CliError, EXIT } from "./cli-error.ts";

/** The value of an option that holds JSON. @throws CliError */
export function jsonArgument(what: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError(EXIT.usage, `${what} is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The value of an option that holds JSON, or `@` and the name of a file that does; `@-` is standard input. @throws CliError */
export async function jsonOrFile(what: string, text: string): Promise<unknown> {
  return text.startsWith("@") ? readJsonFile(text.slice(1)) : jsonArgument(what, text);
}

/** The JSON in a file; `-` is standard input. @throws CliError */
export async function readJsonFile(path: string): Promise<unknown> {
  const file = path === "-" ? Bun.stdin : Bun.file(path);
  const text = await file.text().catch(() => {
    throw new CliError(EXIT.usage, `${path} cannot be read`);
  });
  return jsonArgument(path === "-" ? "standard input" : path, text);
}
