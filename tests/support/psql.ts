/** `psql URL -c STATEMENT`, as the runbook writes it, where no client of PostgreSQL is installed: one JSON row a line. */
import postgres from "postgres";

const [url = "", option, statement = ""] = process.argv.slice(2);
if (option !== "-c") throw new Error("psql URL -c STATEMENT is all that this one knows");
const sql = postgres(url, { max: 1, onnotice: () => {} });
for (const row of await sql.unsafe(statement)) console.log(JSON.stringify(row));
await sql.end({ timeout: 5 });
