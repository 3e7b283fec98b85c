import { startEmbeddedPostgres } from "../../engine/stack/embedded-postgres.ts";
import { lockHome } from "../../engine/stack/home-lock.ts";

// An engine in small, for tests that kill one: it locks its home, starts PostgreSQL, says so and waits.
const home = process.argv[2] ?? "";
await lockHome(home);
const { pid, url } = await startEmbeddedPostgres({ home });
console.log(JSON.stringify({ pid, url }));
setInterval(() => {}, 60_000);
