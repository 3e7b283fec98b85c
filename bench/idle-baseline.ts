/** A bare program that asks the database one question four times a second: what an idle engine is compared with. */
import postgres from "postgres";

const EVERY_MS = 250;
const sql = postgres(process.env["DATABASE_URL"] ?? "", { max: 1 });
setInterval(() => void sql`select 1`.execute(), EVERY_MS);
