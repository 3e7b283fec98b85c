import postgres from "postgres";

/** A login that is no superuser, and a database of its own, as docs/SECURITY.md and deploy/README.md make them. */
export interface PlainLogin {
  readonly url: string;
  readonly role: string;
  readonly database: string;
  /** Does something as the server's superuser. */
  admin<T>(act: (sql: postgres.Sql) => Promise<T>): Promise<T>;
  /** The database, the login and the roles that an engine has made for it. */
  drop(): Promise<void>;
}

/** `rights`: words of `create role`. `beside`: roles without any rights that are made with it and dropped with it. */
export async function plainLogin(
  server: { readonly url: string },
  rights: string,
  beside: readonly string[] = [],
): Promise<PlainLogin> {
  const role = `plain_${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`;
  const admin = async <T>(act: (sql: postgres.Sql) => Promise<T>): Promise<T> => {
    const sql = postgres(server.url, { max: 1, onnotice: () => {} });
    try {
      return await act(sql);
    } finally {
      await sql.end({ timeout: 5 });
    }
  };
  await admin(async (sql) => {
    for (const name of beside) await sql`create role ${sql(name)}`;
    await sql.unsafe(`create role "${role}" login ${rights} password 'secret'`);
    await sql`create database ${sql(role)} owner ${sql(role)}`;
  });
  const url = new URL(server.url);
  url.username = role;
  url.password = "secret";
  url.pathname = `/${role}`;
  const drop = () =>
    admin(async (sql) => {
      const slots = await sql<{ slot_name: string; active_pid: number | null }[]>`
        select slot_name, active_pid from pg_replication_slots where database = ${role}
      `;
      for (const slot of slots) {
        if (slot.active_pid !== null) await sql`select pg_terminate_backend(${slot.active_pid}, 5000)`;
        await sql`select pg_drop_replication_slot(${slot.slot_name})`;
      }
      await sql`drop database ${sql(role)} with (force)`;
      const made = await sql<
        { rolname: string }[]
      >`select rolname from pg_roles where starts_with(rolname, ${`${role}_`})`;
      for (const { rolname } of made) await sql`drop role ${sql(rolname)}`;
      for (const name of [role, ...beside]) await sql`drop role ${sql(name)}`;
    });
  return { url: url.href, role, database: role, admin, drop };
}
