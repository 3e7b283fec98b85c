import { expect, test } from "bun:test";

import { ekiden } from "./run-cli.ts";

test("a part that is ready and says what to do all the same is to be looked at, as a group that does not move", async () => {
  const detail = "1 requests late; group lab does not move";
  const parts = [{ part: "auditor", ok: true, detail, hint: "Is a process with this domain running?" }];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) =>
      Response.json(url.endsWith("/health/ready") ? { ready: true, parts, load: [] } : { items: [], nextCursor: null }),
  });
  try {
    const { out } = await ekiden(["doctor", "--json"], {
      EKIDEN_URL: server.url.origin,
      EKIDEN_HOME: "no-such-home",
    });
    const { findings } = JSON.parse(out) as { findings: readonly { check: string }[] };
    expect(findings.filter(({ check }) => check === "auditor")).toEqual([
      { check: "auditor", level: "warn", detail, since: null, fix: "Is a process with this domain running?" } as never,
    ]);
  } finally {
    await server.stop(true);
  }
}, 30_000);
