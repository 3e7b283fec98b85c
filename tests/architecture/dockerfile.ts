/** One instruction of a Dockerfile, with its lines joined. `list`: its arguments when they are written as JSON. */
export interface Instruction {
  readonly name: string;
  readonly text: string;
  readonly list: readonly string[] | undefined;
}

/** The instructions of a Dockerfile, in order. */
export function instructionsOf(source: string): Instruction[] {
  return source
    .replaceAll(/^\s*#.*\n/gm, "")
    .replaceAll(/\\\n/g, " ")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [, name = "", text = ""] = /^\s*(\w+)\s+(.*)$/.exec(line) ?? [];
      return { name: name.toUpperCase(), text: text.trim(), list: listOf(text) };
    });
}

/** The last instruction of a name: the one that counts for `USER`, `CMD` and the like. */
export function lastOf(instructions: readonly Instruction[], name: string): Instruction | undefined {
  return instructions.findLast((instruction) => instruction.name === name);
}

/** Images that a Dockerfile begins stages from, without its own stages. */
export function imagesOf(instructions: readonly Instruction[]): string[] {
  return instructions.filter(({ name }) => name === "FROM").map(({ text }) => text.split(/\s+/)[0] ?? "");
}

/** `CMD` of a health check stands behind its options. */
function listOf(text: string): readonly string[] | undefined {
  const json = /\[.*\]\s*$/s.exec(text)?.[0];
  if (json === undefined) return undefined;
  try {
    return JSON.parse(json) as string[];
  } catch {
    return undefined;
  }
}
