import { expect, test } from "bun:test";
import { join } from "node:path";

import { lockHome } from "../../engine/stack/home-lock.ts";
import { tempHome } from "../support/temp-home.ts";
import { ekiden } from "./run-cli.ts";

test("beside an engine with its own PostgreSQL, recover says how to reach its database", async () => {
  const home = await tempHome();
  const lock = await lockHome(home.path);
  try {
    const { code, err } = await ekiden(["recover", "--preview"], { EKIDEN_HOME: home.path });
    expect(err).toContain(`DATABASE_URL="$(cat ${join(home.path, "database.url")})" bun run ekiden recover`);
    expect(code).toBe(1);
  } finally {
    await lock.release();
    await home.remove();
  }
}, 30_000);
