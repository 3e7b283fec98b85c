import { join } from "node:path";

import { root } from "../architecture/project-files.ts";

/** The parts of an entry that hold commands. */
export type RunbookPart = "check" | "action" | "worked";

const STARTS: Record<RunbookPart, string> = {
  check: "**Check.**",
  action: "**Action.**",
  worked: "**Worked when:**",
};

/** An entry of the runbook in docs/OPERATIONS.md. */
export interface RunbookEntry {
  readonly title: string;
  /** The commands of each part, in their order. */
  readonly commands: Readonly<Record<RunbookPart, readonly string[]>>;
}

/** The entries of the chapter `## Runbook` of a Markdown text. */
export function runbookOf(markdown: string): RunbookEntry[] {
  const chapter = markdown.split(/^## /m).find((text) => text.startsWith("Runbook\n")) ?? "";
  return chapter
    .split(/^### /m)
    .slice(1)
    .map((section) => ({
      title: section.slice(0, section.indexOf("\n")),
      commands: {
        check: commandsOf(section, "check"),
        action: commandsOf(section, "action"),
        worked: commandsOf(section, "worked"),
      },
    }));
}

/** The entry with this title. Throws when the runbook has none: then the drill has lost what it drills. */
export async function runbookEntry(title: string): Promise<RunbookEntry> {
  const entries = runbookOf(await Bun.file(join(root, "docs/OPERATIONS.md")).text());
  const entry = entries.find((one) => one.title === title);
  if (entry === undefined) throw new Error(`docs/OPERATIONS.md has no runbook entry "${title}"`);
  return entry;
}

function commandsOf(section: string, part: RunbookPart): string[] {
  const rest = section.split(STARTS[part])[1] ?? "";
  const [text = ""] = rest.split(/^\*\*[A-Z]/m);
  return [...text.matchAll(/^```text\n(.*?)^```$/gms)].flatMap(([, block = ""]) => block.trim().split("\n"));
}
