import { createHash } from "node:crypto";

import { Refusal } from "../core/refusal.ts";
import type { Sql } from "../timeline/database.ts";
import { readPartition } from "./partitions.ts";

/** Requests read at once: with the largest bodies some 25 MiB. */
const PAGE = 100;

/**
 * Every request of a closed partition as a line of JSON, in the order of the ids: the same lines whenever it is asked for.
 * When the last one was taken, it is noted as exported. Holds one page in memory.
 * @throws Refusal `partition.unknown`, `partition.open`, `partition.dropped`
 */
export async function exportPartition(sql: Sql, name: string): Promise<AsyncGenerator<Uint8Array, void>> {
  const partition = await readPartition(sql, name);
  if (partition.closed_lsn === null) {
    const message = `partition ${name} is still written to`;
    throw new Refusal(
      "partition.open",
      message,
      "Its time must have been over for an hour: GET /v1/partitions shows it.",
    );
  }
  if (!partition.attached) {
    throw new Refusal(
      "partition.dropped",
      `partition ${name} was dropped`,
      "What was exported of it is in your folder.",
    );
  }
  return lines(sql, partition);
}

async function* lines(
  sql: Sql,
  { name, from_id, to_id }: { readonly name: string; readonly from_id: string; readonly to_id: string },
): AsyncGenerator<Uint8Array, void> {
  const hash = createHash("sha256");
  let [rows, first, last] = [0, null as string | null, from_id];
  for (;;) {
    const page = await sql<{ message_id: string; line: string }[]>`
      select r.message_id, to_jsonb(r)::text as line from timeline.event_request r
      where r.message_id >= ${from_id} and r.message_id < ${to_id} and (r.message_id > ${last} or ${rows} = 0)
      order by r.message_id
      limit ${PAGE}
    `;
    if (page.length === 0) break;
    const bytes = new TextEncoder().encode(page.map(({ line }) => `${line}\n`).join(""));
    hash.update(bytes);
    rows += page.length;
    first ??= page[0]?.message_id ?? null;
    last = page.at(-1)?.message_id ?? last;
    yield bytes;
  }
  await sql`
    update timeline.request_partition set "rows" = ${rows}, first_id = ${first}, last_id = ${rows === 0 ? null : last},
      sha256 = ${hash.digest("hex")}, exported_at = clock_timestamp()
    where name = ${name} and dropping_at is null
  `;
}
