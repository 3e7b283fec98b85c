import { expect, test } from "bun:test";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";

import { connect, reachDatabase } from "../../engine/timeline/database.ts";

/** Something that answers every login as PgBouncer and older servers do. */
async function refusing(code: string, message: string): Promise<{ readonly url: string; close(): void }> {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
  const frame = Buffer.alloc(5);
  frame.write("E");
  frame.writeUInt32BE(fields.length + 4, 1);
  const server = createServer((client) => {
    client.on("error", () => {});
    client.once("data", () => client.end(Buffer.concat([frame, fields])));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `postgres://ekiden:x@127.0.0.1:${port}/ekiden`, close: () => void server.close() };
}

test.each([
  [
    "08P01",
    "unsupported startup parameter: idle_session_timeout",
    "A pooler stands in between, and keeps sessions from having what the engine needs: let DATABASE_URL name PostgreSQL itself.",
  ],
  [
    "42704",
    'unrecognized configuration parameter "idle_session_timeout"',
    "Ekiden needs PostgreSQL 15 or newer: this server is older, or another one.",
  ],
  [
    "53300",
    "sorry, too many clients already",
    "It takes no further connection: `select usename, application_name, count(*) from pg_stat_activity group by 1, 2` says who holds them; raise max_connections, or the role's own limit (`alter role … connection limit`).",
  ],
  [
    "28P01",
    'password authentication failed for user "ekiden"',
    "The server answers and refuses this login: look at user, password, `valid until` and login right of the role, and at pg_hba.conf.",
  ],
  ["57P03", "the database system is starting up", "Check DATABASE_URL, and that the server runs."],
])(
  "a login that is refused with %s `%s` says what to do",
  async (code, message, hint) => {
    const server = await refusing(code, message);
    const sql = connect(server.url, { max: 1, name: "test" });
    try {
      const refused = await reachDatabase(sql, server.url).catch((error: unknown) => error);
      expect(refused).toMatchObject({ message: expect.stringContaining(`: ${message}`), hint });
    } finally {
      await sql.end({ timeout: 1 });
      server.close();
    }
  },
  30_000,
);
