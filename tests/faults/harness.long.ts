import { expect, test } from "bun:test";

import { Run } from "./harness/run.ts";
import { storyOf } from "./harness/story.ts";

const SEED = 23;

test("an owner and its standby: under every fault in turn nothing is broken", async () => {
  const run = await Run.open({
    mode: "standby",
    seed: SEED,
    minutes: 5,
    longestMs: 8_000,
    clients: 3,
    pauseMs: 250,
    healsEach: true,
    say: (line) => console.log(line),
  });
  try {
    const { violations } = await run.toTheEnd();
    const lines = run.world.engines.flatMap((engine) => engine.lines);
    const sources = { sql: run.world.sql, strikes: run.strikes, lines, logs: run.world.logs() };
    expect(await Promise.all(violations.map((one) => storyOf(one, sources)))).toEqual([]);
  } finally {
    await run.world.close();
  }
}, 1_200_000);
