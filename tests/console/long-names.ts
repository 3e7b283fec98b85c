import type { TestEngine } from "../support/engine.ts";
import { newId } from "../../engine/timeline/ids.ts";

const LATIN = "n".repeat(200);
const JAPANESE = "名".repeat(200);
const PATH = ["s", "t", "u", "v"].map((letter) => letter.repeat(48)).join("/");

/** The rows of a saga whose key, labels, step and error are as long as they may be, without a space. Returns its id. */
export async function insertLongNames({ sql }: TestEngine): Promise<string> {
  const id = newId();
  const error = { code: "c".repeat(200), message: `${LATIN} ${JAPANESE}`, step: PATH };
  const labels = { customer: LATIN, ["l".repeat(48)]: JAPANESE };
  await sql`
    insert into timeline.saga (id, definition, version, revision, status, key, labels, input, error)
    select ${id}, name, version, revision, 'parked', ${LATIN}, ${sql.json(labels)}, '{}', ${sql.json(error)}
    from timeline.definition where name = 'order'
  `;
  await sql`insert into timeline.saga_open (saga_id, definition, key, status) values (${id}, 'order', ${LATIN}, 'parked')`;
  await sql`
    insert into timeline.saga_step (saga_id, path, status, attempts, started_at) values (${id}, ${PATH}, 'parked', 3, now())
  `;
  return id;
}
