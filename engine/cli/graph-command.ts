import { type Command, Option } from "commander";

import { mermaidOf } from "../graph/mermaid.ts";
import { outlineOf } from "../graph/outline.ts";
import { svgOf } from "../graph/svg.ts";
import { soundDefinition } from "./definition-file.ts";

const NOTES = `
Steps stand from top to bottom; a compensation is dotted, a catch is labelled with its code, the pivot has a thick border.
Mermaid is drawn by GitHub, GitLab and many editors:
  ekiden graph onboarding > onboarding.mmd
  ekiden graph onboarding --format svg > onboarding.svg`;

/** `graph`: a definition as a picture. */
export function addGraphCommand(program: Command): void {
  program
    .command("graph")
    .argument("<definition>", "a saga file, or the name of a definition in EKIDEN_DOMAINS")
    .description("draw a definition: its steps, branches, catches and compensations")
    .addOption(new Option("--format <format>", "what to write").choices(["mermaid", "svg"]).default("mermaid"))
    .addHelpText("after", NOTES)
    .action(async (nameOrFile: string, { format }: { format: string }) => {
      const { definition } = await soundDefinition(nameOrFile);
      const outline = outlineOf(definition);
      process.stdout.write(format === "svg" ? svgOf(outline) : mermaidOf(outline));
    });
}
