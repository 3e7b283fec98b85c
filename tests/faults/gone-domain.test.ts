import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import { auditorReport } from "../../engine/recovery/auditor.ts";
import { Client } from "../support/client.ts";
import { type EditableDomains, editableLab } from "../support/editable-domains.ts";
import { eventually, type TestEngine, TRANSPORTS, testEngine } from "../support/engine.ts";

const DOMAIN = `import { defineDomain, succeeded } from "ekiden";
import * as v from "valibot";

export default defineDomain({
  name: "trip",
  steps: { book: { input: v.object({}), run: async () => succeeded() } },
});
`;

describe.each([...TRANSPORTS])("a domain that the engine runs no more, on the %s transport", (kind) => {
  let domains: EditableDomains;
  let engine: TestEngine;
  const client = new Client(() => engine.url);
  const late = async () => (await auditorReport(engine.sql as never)).groups;

  beforeAll(async () => {
    domains = await editableLab();
    await Bun.write(join(domains.path, "trip/domain.ts"), DOMAIN);
    await domains.write("trip", "saga: trip\nversion: 1\nsteps:\n  - command: trip.book\n");
    engine = await testEngine(kind, { domains: domains.path });
  }, 120_000);
  afterAll(async () => {
    await engine?.close();
    await domains?.remove();
  }, 60_000);

  test("what was asked of it is late, and the report says which group does not move", async () => {
    await client.ok("POST", "/v1/consumer-groups/trip/pause", { reason: "before it goes" });
    const { sagaId } = await client.start("trip", {});
    await eventually("the command is written", async () => {
      const [row] = await engine.sql`
        select message_id from timeline.event_request where correlation_id = ${sagaId} and topic = 'trip.book'`;
      return row !== undefined;
    });
    await engine.stop();
    await rm(join(domains.path, "trip"), { recursive: true });
    await rm(join(domains.path, "trip.saga.yaml"));
    await engine.sql`update timeline.consumer_group set paused = false where consumer_group = 'trip'`;

    await engine.start();
    await engine.sql`update timeline.event_request set requested_at = requested_at - interval '1 hour'`;

    const found = { group: "trip", topic: "trip.book", messages: 1 };
    await eventually("it is late", async () => (await late()).some((one) => Bun.deepMatch(found, one)));
    await eventually("it is known not to move", async () => {
      await engine.sql`update timeline.group_progress set moved_at = moved_at - interval '1 hour'`;
      return (await late()).some((one) => Bun.deepMatch({ ...found, state: "stuck" }, one));
    });
    const { parts } = (await client.ok("GET", "/health/ready")) as { parts: { part: string; detail: string }[] };
    expect(parts.find(({ part }) => part === "auditor")?.detail).toContain(
      "group trip does not move: 1 requests on trip.book wait",
    );
  }, 120_000);
});
