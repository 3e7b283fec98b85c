import type { Sql } from "./database.ts";

/** What a look at the whole audit has found. */
export interface AuditVerification {
  /** Rows that are sealed. */
  readonly rows: number;
  /** The newest of them: whoever has kept this finds also a chain that was written anew as a whole. */
  readonly head: { readonly position: number; readonly hash: string } | null;
  /** The first few, by their place. */
  readonly faults: readonly AuditFault[];
}

export interface AuditFault {
  /** Null: the row is in no place of the chain. */
  readonly position: number | null;
  readonly auditId: string;
  readonly fault: "changed" | "missing" | "gap" | "unsealed";
}

const FAULTS_MAX = 20;

/** Computes the chain anew from the rows and compares. */
export async function verifyAudit(sql: Sql): Promise<AuditVerification> {
  return sql.begin("isolation level repeatable read read only", async (tx) => {
    const faults = await tx<{ position: number | null; audit_id: string; fault: AuditFault["fault"] }[]>`
      with links as (
        select c.position, c.audit_id, c.hash, a.id,
          lag(c.position, 1, 0::bigint) over w as position_before,
          lag(c.hash, 1, decode(repeat('00', 32), 'hex')) over w as hash_before,
          timeline.audit_sealed(a) as sealed
        from timeline.audit_chain c
        left join timeline.audit a on a.id = c.audit_id
        window w as (order by c.position)
      )
      select position, audit_id,
        case when id is null then 'missing' when position <> position_before + 1 then 'gap' else 'changed' end as fault
      from links
      where id is null or position <> position_before + 1 or hash <> sha256(hash_before || sealed)
      union all
      select null, a.id, 'unsealed' from timeline.audit a
      where not exists (select from timeline.audit_chain c where c.audit_id = a.id)
      order by 1, 2
      limit ${FAULTS_MAX}
    `;
    const [sum] = await tx<{ rows: number; position: number | null; hash: string | null }[]>`
      select (select count(*) from timeline.audit_chain) as rows, c.position, encode(c.hash, 'hex') as hash
      from (select) one
      left join lateral (select position, hash from timeline.audit_chain order by position desc limit 1) c on true
    `;
    const { rows = 0, position = null, hash = null } = sum ?? {};
    return {
      rows,
      head: position === null || hash === null ? null : { position, hash },
      faults: faults.map((row) => ({ position: row.position, auditId: row.audit_id, fault: row.fault })),
    };
  }) as Promise<AuditVerification>;
}

/** The hash at a place of the chain; undefined: it is not that long. */
export async function hashAt(sql: Sql, position: number): Promise<string | undefined> {
  const [row] = await sql<{ hash: string }[]>`
    select encode(hash, 'hex') as hash from timeline.audit_chain where position = ${position}
  `;
  return row?.hash;
}
