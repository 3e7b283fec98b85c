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
    "PostgreSQL, migrations, Kafka, Kafka Connect, slot, heartbeat, groups, sagas, messages and definitions, as the process that is asked sees them. Changes nothing. `ekiden doctor` looks at the machine it runs on besides, and needs no engine.",
  answers: { 200: { description: "One finding for each check, or several", schema: "DoctorReport" } },
});
