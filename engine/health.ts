import type { Health } from "./api/port.ts";
import type { Sql } from "./timeline/database.ts";
import type { Consumer, PartHealth, Transport } from "./transport/port.ts";

const DEADLINE_MS = 3_000;

/** Whether this process can do its work, part by part, and what to do about what is red. */
export async function engineHealth(sql: Sql, transport: Transport, consumers: readonly Consumer[]): Promise<Health> {
  const parts = [await database(sql), ...(await transport.health()), ...consumers.map(consumerHealth)];
  return { ready: parts.every((part) => part.ok), parts };
}

async function database(sql: Sql): Promise<PartHealth> {
  const part = "database";
  const hint = "Is PostgreSQL up, and does DATABASE_URL point at it?";
  try {
    const late = Bun.sleep(DEADLINE_MS).then(() => "late" as const);
    const answered = await Promise.race([sql`select 1`.then(() => "answered" as const), late]);
    if (answered === "answered") return { part, ok: true, detail: "answers" };
    return { part, ok: false, detail: `no answer within ${DEADLINE_MS} ms`, hint };
  } catch (error) {
    return { part, ok: false, detail: error instanceof Error ? error.message : String(error), hint };
  }
}

function consumerHealth(consumer: Consumer): PartHealth {
  const status = consumer.status();
  const part = `consumer ${status.group}`;
  const ok = status.problem === undefined && ["running", "paused", "standby"].includes(status.state);
  const detail = `${status.state}, ${status.inHand} messages in hand${status.problem === undefined ? "" : `: ${status.problem}`}`;
  return ok
    ? { part, ok, detail }
    : {
        part,
        ok,
        detail,
        hint: "GET /v1/consumer-groups shows lag and members; GET /v1/messages?error=true what fails.",
      };
}
