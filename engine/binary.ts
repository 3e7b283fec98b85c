/**
 * Where the one binary begins: `ekiden engine` is the engine, everything else the command line. Domains are loaded from
 * EKIDEN_DOMAINS when it starts, and get `ekiden` and `valibot` from here: their classes must be the engine's own.
 */
import * as valibot from "valibot";

import * as sdk from "./sdk.ts";

Bun.plugin({
  name: "what domains import",
  setup(build) {
    build.module("ekiden", () => ({ exports: sdk, loader: "object" }));
    build.module("valibot", () => ({ exports: valibot, loader: "object" }));
  },
});

if (process.argv[2] === "engine") {
  process.argv.splice(2, 1);
  await import("./main.ts");
} else {
  await import("./cli.ts");
}
