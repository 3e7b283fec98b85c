import type postgres from "postgres";

const IN_FLIGHT = 150;

/** Starts sagas without waiting for their ends, and gives their ids. Calls that are told to come later do so. */
export async function startMany(
  url: string,
  definition: string,
  count: number,
  input: (number: number) => object,
): Promise<readonly string[]> {
  const ids: string[] = [];
  await inLanes(count, async (number) => {
    const response = await post(`${url}/v1/sagas/${definition}`, input(number));
    const { sagaId } = (await response.json()) as { sagaId?: string };
    if (sagaId === undefined) throw new Error(`a saga of ${definition} is not started: HTTP ${response.status}`);
    ids.push(sagaId);
  });
  return ids;
}

/** Sends each saga the signal that it waits for. */
export async function signalMany(url: string, ids: readonly string[], signal: string): Promise<void> {
  await inLanes(ids.length, async (number) => {
    const response = await post(`${url}/v1/sagas/${ids[number]}/signals/${signal}`, {});
    if (!response.ok) throw new Error(`a signal is refused: HTTP ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  });
}

const LOOK_MS = 500;

/** Resolves when so many sagas of a definition are completed. @throws when one of them has come to another end. */
export async function untilCompleted(sql: postgres.Sql, definition: string, count: number): Promise<void> {
  for (;;) {
    const [row] = await sql<{ open: boolean; parked: boolean }[]>`
      select exists (select from timeline.saga_open where definition = ${definition}) as open,
        exists (select from timeline.saga_open where status = 'parked') as parked
    `;
    if (row?.parked) throw new Error(`a saga of ${definition} is parked`);
    if (row?.open === false) break;
    await Bun.sleep(LOOK_MS);
  }
  const [row] = await sql<{ completed: number; others: number }[]>`
    select count(*) filter (where status = 'completed')::int as completed,
      count(*) filter (where status <> 'completed')::int as others
    from timeline.saga where definition = ${definition}
  `;
  if (row?.completed !== count || row.others !== 0)
    throw new Error(`${definition}: ${row?.completed} of ${count} completed, ${row?.others} ended otherwise`);
}

async function inLanes(count: number, act: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}

async function post(address: string, body: object): Promise<Response> {
  for (;;) {
    const headers = { "content-type": "application/json" };
    const response = await fetch(address, { method: "POST", headers, body: JSON.stringify(body) });
    if (response.status !== 503) return response;
    await response.arrayBuffer();
    await Bun.sleep(Number(response.headers.get("retry-after") ?? 1) * 1_000);
  }
}
