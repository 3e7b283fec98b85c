import type { Health } from "../api/port.ts";
import { configurationChecks } from "../cli/doctor/configuration-checks.ts";
import type { DefinitionDesk } from "../dispatcher/definition-desk.ts";
import { examineDatabase } from "../recovery/doctor/examine-database.ts";
import { engineFindings, lagFindings } from "../recovery/doctor/engine-findings.ts";
import { checked, fault, type Finding, fine } from "../recovery/doctor/finding.ts";
import type { Sql } from "../timeline/database.ts";
import { ENGINE_MIGRATIONS } from "../timeline/engine-migrations.ts";
import type { Parts } from "./parts.ts";

/** What the doctor asks of the engine that it runs in. */
interface Asked {
  readonly health: () => Promise<Health>;
  readonly desk: Pick<DefinitionDesk, "broken" | "files">;
}

/**
 * The checks of `ekiden doctor`, from inside: what is not well, since when, what to do. Of this machine it looks at nothing
 * that the engine has not loaded, so that Java for the stack is left to the command. One look at a time: whoever asks meanwhile gets its answer.
 */
export class Doctor {
  readonly #parts: Parts;
  readonly #asked: Asked;
  #look: Promise<readonly Finding[]> | undefined;

  constructor(parts: Parts, asked: Asked) {
    this.#parts = parts;
    this.#asked = asked;
  }

  look(): Promise<readonly Finding[]> {
    this.#look ??= this.#examine().finally(() => {
      this.#look = undefined;
    });
    return this.#look;
  }

  async #examine(): Promise<readonly Finding[]> {
    const { config, sql, databaseUrl, groups } = this.#parts;
    const [outside, health, lags] = await Promise.all([
      examineDatabase(sql, {
        slot: await this.#slot(),
        url: databaseUrl,
        ownServer: config.databaseUrl === undefined,
        // Those of domains are applied by whoever runs them, at the start.
        sets: async () => [ENGINE_MIGRATIONS],
        files: () => this.#asked.desk.files,
        runs: true,
        behind: (present) => this.#behind(present),
      }),
      this.#asked.health(),
      checked("lag", "bun run ekiden groups", async () => lagFindings(await groups.all())),
    ]);
    const found = [...configurationChecks(config), ...this.#definitions(), ...outside];
    return [...found, ...engineFindings(health, found), ...lags];
  }

  async #slot(): Promise<string | null> {
    const { config } = this.#parts;
    if (config.kafka === undefined) return null;
    const { Names } = await import("../transport/kafka/names.ts");
    return new Names(config.prefix).slot;
  }

  async #behind(sql: Sql | null): Promise<readonly Finding[]> {
    const { config } = this.#parts;
    if (config.kafka === undefined) return [];
    const { kafkaChecks } = await import("../cli/doctor/kafka-checks.ts");
    return kafkaChecks(config.kafka, config.prefix, sql);
  }

  #definitions(): readonly Finding[] {
    const broken = [...this.#asked.desk.broken];
    if (broken.length === 0) return [fine("definitions", "none that was changed is broken")];
    return broken.map(([file, { diagnostics }]) => {
      const { line, column, message, code, hint } =
        diagnostics.find(({ severity }) => severity === "error") ?? diagnostics[0] ?? {};
      const place = line === undefined ? file : `${file}:${line}:${column}`;
      const detail = `${place} ${message ?? "cannot be used"}: the last good revision stays in use`;
      // What is wrong with it beside what the store has, a check of the file alone does not find.
      const fix = code === "definition.version" && hint !== undefined ? hint : `bun run ekiden check ${file}`;
      return fault("red", "definitions", detail, fix);
    });
  }
}
