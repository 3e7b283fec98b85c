/**
 * Where the one binary begins: `ekiden engine` is the engine, everything else the command line. Domains are loaded from
 * EKIDEN_DOMAINS when it starts.
 */
if (process.argv[2] === "engine") {
  process.argv.splice(2, 1);
  await import("./main.ts");
} else {
  await import("./cli.ts");
}
