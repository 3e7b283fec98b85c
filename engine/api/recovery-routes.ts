import type { Api, ApiParts } from "./api-env.ts";
import { callerOf } from "./caller.ts";
import { describe } from "./describe.ts";
import { readBody } from "./json-body.ts";
import { RepublishRequest } from "./recovery-schema.ts";
import { runIdOf } from "./unknown.ts";

/** Recovery from the event store. */
export function addRecoveryRoutes(app: Api, { engine }: ApiParts): void {
  app.post("/v1/republish", REPUBLISH, async (c) => {
    const caller = callerOf(c);
    const { saga: sagaId, preview = false, reason = "", ...rest } = await readBody(c.req.raw, RepublishRequest);
    const report = await engine.republish({ ...rest, sagaId }, { preview, reason }, caller);
    return c.json(report, report.state === "running" ? 202 : 200);
  });

  app.get("/v1/republish/:run", GET_REPUBLISH, async (c) =>
    c.json(await engine.republished(runIdOf(c.req.param("run")))),
  );
}

const REPUBLISH = describe({
  tag: "messages",
  operationId: "republish",
  summary: "Send requests again from the event store",
  description:
    "Same ids, keys, headers and bodies, through the same path, in the order in which they were written. Always safe: consumers that have done one skip it.",
  body: {
    schema: "RepublishRequest",
    description: "Which, and why",
    required: true,
    example: { since: "2026-01-31T12:00:00Z", missingOnly: true, reason: "the slot was lost" },
  },
  answers: {
    200: { description: "Done, or counted for a preview", schema: "RepublishReport" },
    202: { description: "Recorded, and going on in the background", schema: "RepublishReport" },
  },
  problems: ["saga.idempotency-mismatch", "request.header-invalid"],
});

const GET_REPUBLISH = describe({
  tag: "messages",
  operationId: "getRepublish",
  summary: "Read how far a republishing is",
  path: ["run"],
  answers: { 200: { description: "The run", schema: "RepublishReport" } },
  problems: ["republish.unknown"],
});
