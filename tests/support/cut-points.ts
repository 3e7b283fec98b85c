import { expect } from "bun:test";
import { eventually } from "./engine.ts";
import type { Fate, Message } from "./postgres-proxy.ts";
import type { ProxiedEngine } from "./proxied-engine.ts";

/** Whose connection is cut, how, and in which saga. */
export interface CutPoints {
  /** The connection's application name. */
  readonly application: string;
  readonly fate: Fate;
  readonly definition: string;
  /** What the saga must have done in the end. */
  readonly effects: readonly string[];
}

/**
 * Runs a saga once for each message, in either direction, that passes on a connection from the beginning of its first
 * transaction on: the n-th saga loses its connection instead of the n-th message. Returns how many there are.
 */
export async function everyCutPoint(lab: ProxiedEngine, points: CutPoints): Promise<number> {
  for (let n = 0; ; n += 1) {
    const strike = cutAt(n, points);
    lab.proxy.decide(strike.decide);
    const sagaId = await started(lab, points.definition);
    await eventually(`point ${n}: the saga completes`, async () => (await statusOf(lab, sagaId)) === "completed");
    lab.proxy.decide(() => "pass");
    const effects = await lab.sql`select action from lab.effect where saga_id = ${sagaId} order by place`;

    expect({ n, effects: effects.map(({ action }) => action) }).toEqual({ n, effects: [...points.effects] });
    if (!strike.struck()) return n;
  }
}

/** The API's own transaction may be the one that is cut: it is asked again with the same key. */
async function started(lab: ProxiedEngine, definition: string): Promise<string> {
  const key = crypto.randomUUID();
  return eventually("the saga is started", async () => {
    const body = { note: key };
    const { json } = await lab.client.call("POST", `/v1/sagas/${definition}`, body, { "idempotency-key": key });
    return (json as { sagaId?: string }).sagaId;
  });
}

async function statusOf(lab: ProxiedEngine, sagaId: string): Promise<string | undefined> {
  const [row] = await lab.sql<{ status: string }[]>`select status from timeline.saga where id = ${sagaId}`;
  return row?.status;
}

function cutAt(n: number, { application, fate }: CutPoints) {
  let link: number | undefined;
  let seen = 0;
  let struck = false;
  const decide = (message: Message): Fate => {
    if (struck || message.application !== application) return "pass";
    if (link === undefined && message.statement.startsWith("begin")) link = message.link;
    if (message.link !== link) return "pass";
    seen += 1;
    struck = seen > n;
    return struck ? fate : "pass";
  };
  return { decide, struck: () => struck };
}
