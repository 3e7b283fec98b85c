import type { Api, ApiParts } from "./api-env.ts";
import { describe } from "./describe.ts";

/** What is red, since when, and what to do about it. */
export function addDoctorRoutes(app: Api, { engine }: ApiParts): void {
  app.get("/v1/doctor", GET, async (c) => {
    const findings = await engine.doctor();
    return c.json({ healthy: findings.every(({ level }) => level !== "red"), findings });
  });
}

const GET = describe({
  tag: "pipeline",
  operationId: "getDoctor",
  access: { role: "viewer", over: "all" },
  summary: "Look at everything and say what to do about what is not well",
  description:
    "Configuration, definitions, PostgreSQL, migrations, Kafka, Kafka Connect, slot, heartbeat, groups, sagas and messages, and each part of the process that is asked, as it sees them. Changes nothing. `ekiden doctor` makes the same checks from where it runs, needs no engine, and looks for Java besides where the stack was started.",
  answers: { 200: { description: "One finding for each check, or several", schema: "DoctorReport" } },
});
