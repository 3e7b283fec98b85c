/**
 * Preloaded by `bun run coverage`: the measured rooms are loaded with counters at their branches, and what those have
 * counted is written to `EKIDEN_COVERAGE` after the last test. Bun itself counts lines only.
 */
import { afterAll } from "bun:test";
import { plugin } from "bun";

import { instrumented, VARIABLE } from "./counters.ts";

const { EKIDEN_COVERAGE: report, EKIDEN_COVERAGE_ROOMS: rooms } = Bun.env;
if (report === undefined || rooms === undefined) throw new Error("run it by `bun run coverage`");

plugin({
  name: "branch counters",
  setup(build) {
    build.onLoad({ filter: new RegExp(`/engine/(?:${rooms})/[\\w-]+\\.ts$`) }, async ({ path }) => ({
      contents: instrumented(path, await Bun.file(path).text()).code,
      loader: "ts",
    }));
  },
});

afterAll(async () => {
  await Bun.write(report, JSON.stringify(Reflect.get(globalThis, VARIABLE) ?? {}));
});
