import { expect, test } from "bun:test";
import { playMany } from "./play-many.ts";
import { tellSeed } from "./play.ts";

const LONG_MS = 170_000;

test("families of sagas that nobody has played before keep every promise", () => {
  const from = Math.floor(Date.now() / 1_000);
  const { broken, text } = playMany(from, { ms: LONG_MS });
  console.log(`seeds from ${from}:\n${text}`);
  for (const [seed] of broken.values()) console.log(tellSeed(seed as number));

  expect([...broken]).toEqual([]);
}, 600_000);
