/**
 * Writes what is generated from the language's table of keys: `bun scripts/make-language-docs.ts` makes
 * docs/SAGA_YAML.md, the reference, and docs/saga.schema.json, for editors. A test fails when they drift.
 */
import { join } from "node:path";
import { referencePage } from "../engine/definition/reference.ts";
import { sagaSchema } from "../engine/definition/saga-schema.ts";

const docs = join(import.meta.dir, "../docs");
await Bun.write(join(docs, "SAGA_YAML.md"), referencePage());
await Bun.write(join(docs, "saga.schema.json"), `${JSON.stringify(sagaSchema(), null, 2)}\n`);
