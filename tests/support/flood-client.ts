/**
 * Sends starts as fast as it may: `bun flood-client.ts URL COUNT IN_FLIGHT`. One that is refused for now comes again after
 * Retry-After, under the same Idempotency-Key. Prints what it saw, as JSON. A process of its own: the engine's memory and
 * the number of connections are what is measured.
 */
const [url = "", countText = "", inFlightText = ""] = process.argv.slice(2);
const count = Number(countText);
const seen = { created: 0, again: 0, busy: 0, withoutRetryAfter: 0, others: [] as string[] };
let next = 0;

async function start(number: number): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/v1/sagas/three`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": `flood-${number}` },
      body: JSON.stringify({ applicant: `number ${number}`, amount: number }),
    });
    const text = await response.text();
    if (response.status === 201) seen.created += 1;
    else if (response.status === 200) seen.again += 1;
    else if (response.status !== 503) seen.others.push(`${response.status} ${text.slice(0, 200)}`);
    if (response.status !== 503) return;
    seen.busy += 1;
    const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
    if (Number.isNaN(seconds)) seen.withoutRetryAfter += 1;
    await Bun.sleep((seconds || 1) * 1_000 * (0.5 + Math.random()));
  }
}

await Promise.all(
  Array.from({ length: Number(inFlightText) }, async () => {
    while (next < count) await start(++next);
  }),
);
console.log(JSON.stringify(seen));
export {};
