import { expect, test } from "bun:test";
import { join } from "node:path";

import { lockHome } from "../../engine/stack/home-lock.ts";
import { tempHome } from "../support/temp-home.ts";
import { ekiden } from "./run-cli.ts";

test.each([
  ["ekiden recover", ["recover", "--preview"]],
  ["ekiden migrate", ["migrate"]],
  ["ekiden keys", ["keys", "create", "me", "--role", "admin", "--database", "--reason", "first"]],
])(
  "beside an engine with its own PostgreSQL, %s calls itself no engine, and says how to reach its database",
  async (program, args) => {
    const home = await tempHome();
    const lock = await lockHome(home.path);
    try {
      const { code, err } = await ekiden(args, { EKIDEN_HOME: home.path });
      expect(err).toContain(`an engine (pid ${process.pid}) runs on ${home.path}`);
      expect(err).toContain(`DATABASE_URL="$(cat ${join(home.path, "database.url")})" bun run ${program}`);
      expect(code).toBe(1);
    } finally {
      await lock.release();
      await home.remove();
    }
  },
  30_000,
);
