import { join } from "node:path";

import type { MigrationSet } from "./migrate.ts";

/** Where a compiled program finds what was put into it. */
const COMPILED = /^(?:\/\$bunfs\/|[A-Z]:[\\/]~BUN[\\/])/;

/** True in the one binary that `bun run compile` makes. */
export const isCompiled = COMPILED.test(import.meta.dir);

/** The engine's own migrations. In the binary all files lie in one folder. */
export const ENGINE_MIGRATIONS: MigrationSet = {
  schema: "timeline",
  folder: isCompiled ? import.meta.dir : join(import.meta.dir, "../../sql"),
};
