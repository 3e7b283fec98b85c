import type { Definition } from "../core/definition.ts";
import { loadDefinition } from "../definition/load.ts";
import type { Sql, Tx } from "../timeline/database.ts";
import { Refusal } from "../core/refusal.ts";

/** Compiled revisions kept in memory; more than this many at once and the oldest is read again when needed. */
const CACHE_MAX = 1_000;

/** Definitions by revision. A running saga stays on the revision it started with; its source lies in the database. */
export class Revisions {
  readonly #compiled = new Map<string, Definition>();

  /** @throws Refusal `definition.unknown-revision` when the store does not know it. */
  async get(sql: Sql | Tx, name: string, revision: string): Promise<Definition> {
    const id = `${name}@${revision}`;
    const known = this.#compiled.get(id);
    if (known !== undefined) return known;
    const [row] = await sql<{ source: string }[]>`
      select source from timeline.definition_revision where name = ${name} and revision = ${revision}
    `;
    // Checks belong to the day it was written: what runs must always compile, whatever the handlers look like today.
    const definition =
      row === undefined ? null : loadDefinition(row.source, { catalog: null, checks: false }).definition;
    if (definition === null) {
      throw new Refusal(
        "definition.unknown-revision",
        `revision ${revision} of ${name} is not in the store or does not parse`,
        "Restore timeline.definition_revision from a backup.",
      );
    }
    this.#remember(id, definition);
    return definition;
  }

  #remember(id: string, definition: Definition): void {
    if (this.#compiled.size >= CACHE_MAX) this.#compiled.delete(this.#compiled.keys().next().value as string);
    this.#compiled.set(id, definition);
  }
}
