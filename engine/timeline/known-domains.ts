import { createHash } from "node:crypto";
import type { DomainCatalog } from "../core/domain.ts";
import type { JsonObject } from "../core/json.ts";
import { catalogOfPublished, type PublishedDomain } from "../core/published-domain.ts";
import type { Sql } from "./database.ts";

interface PublishedRow {
  domain: string;
  catalog: Omit<PublishedDomain, "name">;
}

/** What this process knows of all domains: its own from their code, the others as their processes publish them. */
export class KnownDomains {
  readonly #sql: Sql;
  readonly #own: readonly PublishedDomain[];
  readonly #ownCatalog: DomainCatalog;
  readonly #complete: boolean;
  #others: readonly PublishedDomain[] = [];
  #gone: readonly PublishedDomain[] = [];
  #catalog: DomainCatalog;
  #stamp = "";

  /** `complete`: this process runs every domain; what others have published is history. */
  constructor(sql: Sql, own: readonly PublishedDomain[], ownCatalog: DomainCatalog, complete: boolean) {
    this.#sql = sql;
    this.#own = own;
    this.#ownCatalog = ownCatalog;
    this.#complete = complete;
    this.#catalog = { ...ownCatalog, open: !complete };
  }

  /** Own handlers parse by their own schemas. */
  get catalog(): DomainCatalog {
    return this.#catalog;
  }

  get domains(): readonly PublishedDomain[] {
    return [...this.#own, ...this.#others];
  }

  /** Domains that were run here once and are no more: whoever sent them requests still waits. */
  get gone(): readonly PublishedDomain[] {
    return this.#gone;
  }

  /** Changes whenever the catalog does. */
  get stamp(): string {
    return this.#stamp;
  }

  /** Tells the others. To be called when the topics of these domains exist: definitions that use them load from now on. */
  async publish(): Promise<void> {
    for (const { name, ...catalog } of this.#own) {
      const hash = createHash("sha256").update(JSON.stringify(catalog)).digest("hex");
      await this.#sql`
        insert into timeline.domain_catalog as c (domain, catalog, hash)
        values (${name}, ${this.#sql.json(catalog as unknown as JsonObject as never)}, ${hash})
        on conflict (domain) do update set catalog = excluded.catalog, hash = excluded.hash,
          published_at = excluded.published_at where c.hash <> excluded.hash
      `;
    }
    if (this.#complete) this.#gone = await this.#published();
  }

  /** Reads what others have published, if it has changed. */
  async look(): Promise<void> {
    if (this.#complete) return;
    const hashes = await this.#sql<{ domain: string; hash: string }[]>`
      select domain, hash from timeline.domain_catalog order by domain
    `;
    const stamp = hashes.map(({ domain, hash }) => `${domain}:${hash}`).join("\n");
    if (stamp === this.#stamp) return;
    this.#others = await this.#published();
    const others = catalogOfPublished(this.#others);
    this.#catalog = { actions: new Map([...others.actions, ...this.#ownCatalog.actions]), open: true };
    this.#stamp = stamp;
  }

  /** What others than this process have published. */
  async #published(): Promise<readonly PublishedDomain[]> {
    const rows = await this.#sql<PublishedRow[]>`
      select domain, catalog from timeline.domain_catalog order by domain
    `;
    const own = new Set(this.#own.map(({ name }) => name));
    return rows.filter(({ domain }) => !own.has(domain)).map(({ domain, catalog }) => ({ name: domain, ...catalog }));
  }
}
