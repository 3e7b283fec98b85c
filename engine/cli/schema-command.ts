import type { Command } from "commander";

import { sagaSchema } from "../definition/saga-schema.ts";
import { say } from "./write-line.ts";

const NOTES = `
Editors with a YAML language server complete and check saga files by it:
  ekiden schema > saga.schema.json
and, as the first line of a file:
  # yaml-language-server: $schema=./saga.schema.json
It knows keys and values; what refers to something else is checked by \`ekiden check\`.`;

/** `schema`: the JSON schema of saga files. */
export function addSchemaCommand(program: Command): void {
  program
    .command("schema")
    .description("print the JSON schema of saga files, for editors")
    .addHelpText("after", NOTES)
    .action(() => say(JSON.stringify(sagaSchema(), null, 2)));
}
