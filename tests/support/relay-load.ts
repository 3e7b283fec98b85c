import { eventually } from "./engine.ts";

/** What one start of `relay` is like. */
export interface RelayStart {
  readonly note: string;
  readonly gate?: string;
  readonly refuse?: boolean;
}

/** Starts a saga as a careful client does: again and again under one Idempotency-Key, until the answer is definite. */
export async function startRelay(url: () => string, { note, gate = "", refuse = false }: RelayStart): Promise<string> {
  const key = crypto.randomUUID();
  return eventually(
    `${note} is accepted`,
    async () => {
      const response = await fetch(`${url()}/v1/sagas/relay`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": key },
        body: JSON.stringify({ note, gate, refuse }),
        signal: AbortSignal.timeout(5_000),
      });
      const body = (await response.json()) as { sagaId?: string };
      if (response.status !== 200 && response.status !== 201)
        throw new Error(`start answered ${response.status}: ${JSON.stringify(body)}`);
      return body.sagaId;
    },
    60_000,
  );
}

/** Starts many, a few at a time; every fourth is to be refused. Returns the ids of the accepted sagas. */
export async function startMany(url: () => string, name: string, count: number, atOnce = 6): Promise<string[]> {
  const sagaIds: string[] = [];
  let next = 0;
  const client = async () => {
    for (let index = next++; index < count; index = next++)
      sagaIds.push(await startRelay(url, { note: `${name}-${index}`, refuse: index % 4 === 3 }));
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  return sagaIds;
}
