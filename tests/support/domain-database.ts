import { join } from "node:path";
import postgres, { type Sql } from "postgres";

import { loadDomains } from "../../engine/participant/load-domains.ts";
import { connect } from "../../engine/timeline/database.ts";
import { domainUrl } from "../../engine/timeline/domain-role.ts";
import { migrate } from "../../engine/timeline/migrate.ts";
import { root } from "../architecture/project-files.ts";
import { freshDatabase } from "./postgres.ts";

/** The shipped domains' schemas and roles in a database of their own, without an engine. */
export interface DomainDatabase {
  /** The engine's own user. */
  readonly sql: Sql<{ bigint: number }>;
  /** The domain `screening`, logged in as the engine logs it in; one session. */
  readonly screening: Sql;
  /** Its role. */
  readonly role: string;
  /** A new session of it. */
  login(): Sql;
  /** Writes a command, as the dispatcher does. */
  command(topic: string): Promise<{ readonly id: string; readonly stepKey: string }>;
  close(): Promise<void>;
}

/** Migrates a fresh database, and makes every shipped domain's role. */
export async function domainDatabase(): Promise<DomainDatabase> {
  const database = await freshDatabase();
  const sql = connect(database.url, { max: 2, name: "domain boundary" });
  const domains = await loadDomains(join(root, "domains"));
  const sets = domains.map(({ domain, sqlFolder }) => ({ schema: domain.name, folder: sqlFolder }));
  await migrate(sql, [{ schema: "timeline", folder: join(root, "sql") }, ...sets]);
  const topics = domains.flatMap(({ domain }) => Object.keys(domain.steps).map((step) => `${domain.name}.${step}`));
  await sql`insert into timeline.topic (name) select unnest(${["timeline", ...topics]}::text[])`;
  for (const { domain } of domains) await domainUrl(sql, database.url, domain.name);
  const url = await domainUrl(sql, database.url, "screening");
  const login = () => postgres(url, { max: 1, onnotice: () => {} });
  const screening = login();
  return {
    sql,
    screening,
    role: decodeURIComponent(new URL(url).username),
    login,
    command: (topic) => writeCommand(sql, topic),
    async close() {
      await screening.end({ timeout: 5 });
      await sql.end({ timeout: 5 });
      await database.drop();
    },
  };
}

async function writeCommand(sql: Sql<{ bigint: number }>, topic: string) {
  const stepKey = `01J00000000000000000000000/${crypto.randomUUID()}`;
  const [row] = await sql<{ message_id: string }[]>`
    insert into timeline.event_request (message_id, correlation_id, topic, message_key, message_type, saga, step_key, action,
      attempt, message_body, producer)
    values (timeline.new_ulid(), '01J00000000000000000000000', ${topic}, 'k', 'step.requested', 'onboarding', ${stepKey},
      ${topic.split(".")[1] ?? ""}, 1, '{"input": {"secret": "for this domain only"}}', 'dispatcher@test')
    returning message_id
  `;
  return { id: (row as { message_id: string }).message_id, stepKey };
}
