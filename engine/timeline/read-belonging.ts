import type { Sql } from "./database.ts";

/** The definition of a saga; undefined: there is no such saga. */
export async function definitionOfSaga(sql: Sql, sagaId: string): Promise<string | undefined> {
  const [row] = await sql<{ definition: string }[]>`select definition from timeline.saga where id = ${sagaId}`;
  return row?.definition;
}

/** The definition of a message's saga, null for one of no saga; undefined: there is no such message. */
export async function definitionOfMessage(sql: Sql, messageId: string): Promise<string | null | undefined> {
  // What a foreign message says of itself is no proof of whose it is.
  const [row] = await sql<{ definition: string | null }[]>`
    select s.definition
    from (select) one
    left join timeline.event_request r on r.message_id = ${messageId}
    left join timeline.saga s on s.id = r.correlation_id
    where r.message_id is not null
      or exists (select from timeline.event_consumption c where c.message_id = ${messageId})
  `;
  return row?.definition;
}
