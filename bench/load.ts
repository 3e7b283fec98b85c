/** What one run of the workload gave. Times in milliseconds. */
export interface Run {
  readonly sagas: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Starts one saga and resolves when it has ended. @throws when it ends otherwise than it should. */
export type StartOne = (number: number) => Promise<void>;

/** Runs `sagas` sagas with `inFlight` of them at a time (1: the latency of an idle engine). */
export async function runLoad(start: StartOne, sagas: number, inFlight: number): Promise<Run> {
  const times: number[] = [];
  let next = 0;
  const began = performance.now();
  const lane = async () => {
    while (next < sagas) {
      const number = next++;
      const at = performance.now();
      await start(number);
      times.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const seconds = (performance.now() - began) / 1000;
  times.sort((left, right) => left - right);
  const percentile = (part: number) => times[Math.min(times.length - 1, Math.floor(part * times.length))] ?? 0;
  return { sagas, perSecond: sagas / seconds, p50: percentile(0.5), p95: percentile(0.95), p99: percentile(0.99) };
}

/** Over HTTP, as a client does it: one call that waits for the end of the saga. */
export function overHttp(url: string, amountOf: (number: number) => number): StartOne {
  return async (number) => {
    const amount = amountOf(number);
    const body = JSON.stringify({ applicant: "Taro Yamada", amount });
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${url}/v1/sagas/three?wait=60s`, { method: "POST", headers, body });
    const { status } = (await response.json()) as { status: string };
    const wanted = amount > 1_000_000 ? "failed" : "completed";
    if (status !== wanted) throw new Error(`saga ${number} is ${status} (HTTP ${response.status}), not ${wanted}`);
  };
}
