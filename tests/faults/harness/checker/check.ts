import type { Sql } from "postgres";

import { type Evidence, gather } from "./evidence.ts";
import { broken, type Law, type Violation } from "./law.ts";
import { LAWS_OF_BUSINESS } from "./laws-of-business.ts";
import { LAWS_OF_MESSAGES } from "./laws-of-messages.ts";
import { LAWS_OF_ORDER } from "./laws-of-order.ts";
import { LAWS_OF_SAGAS } from "./laws-of-sagas.ts";

/** Every invariant of reliability §2 that a finished database can be held to. */
export const LAWS: readonly Law[] = [...LAWS_OF_SAGAS, ...LAWS_OF_ORDER, ...LAWS_OF_MESSAGES, ...LAWS_OF_BUSINESS];

/** Checks a database in which every saga has ended. Returns what is broken; empty: nothing is. */
export async function check(sql: Sql, evidence: Evidence): Promise<readonly Violation[]> {
  await gather(sql, evidence);
  const found: Violation[] = [];
  for (const law of LAWS) {
    const violation = await broken(sql, law);
    if (violation !== undefined) found.push(violation);
  }
  return found;
}
