/**
 * `http-load.ts ekiden|restate URL WORKLOAD[:COUNT]`: starts sagas over HTTP, each call waiting for the end of its saga, when told
 * to (driven.ts). A process of its own, so that what calling costs is not counted with what answering costs.
 */
import { serveLoads } from "./driven.ts";
import type { StartOne } from "./load.ts";
import { type Workload, type WorkloadName, WORKLOADS } from "./workloads.ts";

const [side, url = "", given = "three"] = process.argv.slice(2);
const [name, count = "1"] = given.split(":");
const workload: Workload = WORKLOADS[name as WorkloadName];

await serveLoads(side === "restate" ? overRestate(url, workload) : overEkiden(url, workload));

function overEkiden(base: string, { definition, numbered, input, status: wanted }: Workload): StartOne {
  const nameOf = (number: number) => (numbered ? `${definition}${number % Number(count)}` : definition);
  return async (number) => {
    let response = await post(`${base}/v1/sagas/${nameOf(number)}?wait=60s`, input(number), {});
    let saga = (await response.json()) as { sagaId?: string; status?: string };
    // One call waits for a minute at most; on a machine that is short of breath a saga takes longer.
    while (saga.status === "running" || saga.status === "compensating") {
      response = await call(`${base}/v1/sagas/${saga.sagaId}?wait=60s`, {});
      saga = (await response.json()) as { sagaId?: string; status?: string };
    }
    if (saga.status !== wanted(number))
      throw new Error(`a saga is ${saga.status} (HTTP ${response.status}), not ${wanted(number)}`);
  };
}

function overRestate(base: string, { input }: Workload): StartOne {
  return async (number) => {
    const saga = crypto.randomUUID();
    const response = await post(`${base}/three/run`, { ...input(number), saga }, { "idempotency-key": saga });
    const answer = await response.text();
    if (!response.ok || answer !== '"concluded"') throw new Error(`HTTP ${response.status}: ${answer}`);
  };
}

function post(address: string, body: unknown, headers: Readonly<Record<string, string>>): Promise<Response> {
  return call(address, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

/** A call that is sent again when the engine says that it is busy; the time for that counts. */
async function call(address: string, request: RequestInit): Promise<Response> {
  for (;;) {
    const response = await fetch(address, request);
    if (response.status !== 503) return response;
    await response.arrayBuffer();
    await Bun.sleep(Number(response.headers.get("retry-after") ?? 1) * 1_000);
  }
}
