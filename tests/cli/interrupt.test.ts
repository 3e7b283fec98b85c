import { expect, test } from "bun:test";

import { onInterrupt } from "../../engine/cli/interrupt.ts";

test("a Ctrl-C that npx and bun run hand on as well is one; the next one, later, ends the command at once", () => {
  let now = 1_000;
  const said: string[] = [];
  const interrupt = onInterrupt(
    () => said.push("stopping"),
    () => now,
    () => said.push("ended"),
  );
  try {
    const at = (ms: number) => {
      now = ms;
      process.emit("SIGINT");
      return said.join();
    };
    expect([at(1_000), at(1_002), at(1_299)]).toEqual(["stopping", "stopping", "stopping"]);
    expect(interrupt.stopping.aborted).toBe(true);
    expect(interrupt.giveUp.aborted).toBe(false);
    expect(at(1_300)).toBe("stopping,ended");
  } finally {
    interrupt.release();
  }
});
