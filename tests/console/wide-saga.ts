import { newId } from "../../engine/timeline/ids.ts";
import type { TestEngine } from "../support/engine.ts";

const WAYS = ["north", "east", "south", "west", "above", "below", "inside", "outside"];

/** The rows of a saga whose picture is far wider than its room, and whose steps have long paths. Returns its id. */
export async function insertWideSaga({ sql }: TestEngine): Promise<string> {
  const ways = WAYS.map(
    (way) =>
      `      ${way}:\n        - step: carry_${way}_to_the_last_door_of_the_house\n          command: shop.reserve\n`,
  );
  const source = `saga: wide\nversion: 1\nsteps:\n  - step: announce_everywhere_at_once\n    parallel:\n${ways.join("")}`;
  const revision = new Bun.CryptoHasher("sha256").update(source).digest("hex");
  await sql`
    insert into timeline.definition_revision (name, version, revision, source) values ('wide', 1, ${revision}, ${source})
  `;
  await sql`insert into timeline.definition (name, version, revision) values ('wide', 1, ${revision})`;
  const id = newId();
  await sql`
    insert into timeline.saga (id, definition, version, revision, status, input, key, finished_at)
    values (${id}, 'wide', 1, ${revision}, 'completed', '{}', 'WIDE-1', now())
  `;
  const paths = WAYS.map((way) => `announce_everywhere_at_once/${way}/carry_${way}_to_the_last_door_of_the_house`);
  await sql`
    insert into timeline.saga_step (saga_id, path, status, attempts, started_at, finished_at)
    select ${id}, path, 'succeeded', 1, now(), now() + interval '1 s' from unnest(${paths}::text[]) path
  `;
  return id;
}
