import type { Sql } from "postgres";

import { type Evidence, gather } from "./evidence.ts";
import { broken, type Law, type Violation } from "./law.ts";
import { LAWS_OF_BUSINESS } from "./laws-of-business.ts";
import { LAWS_OF_MESSAGES } from "./laws-of-messages.ts";
import { LAWS_OF_SAGAS } from "./laws-of-sagas.ts";
import { order } from "./order.ts";

/** Every invariant of reliability §2 that a finished database can be held to. */
const LAWS: readonly Law[] = [...LAWS_OF_SAGAS, ...LAWS_OF_MESSAGES, ...LAWS_OF_BUSINESS];

/** Checks a database in which every saga has ended. Returns what is broken; empty: nothing is. */
export async function check(sql: Sql, evidence: Evidence): Promise<readonly Violation[]> {
  await gather(sql, evidence);
  return checkGathered(sql);
}

/** The same where the evidence lies already. `only`: the laws of one invariant. */
export async function checkGathered(sql: Sql, only?: string): Promise<readonly Violation[]> {
  const found: Violation[] = [];
  for (const law of LAWS.filter(({ invariant }) => only === undefined || invariant === only)) {
    const violation = await broken(sql, law);
    if (violation !== undefined) found.push(violation);
  }
  return only === undefined || only === "I4" ? [...found, ...(await order(sql))] : found;
}
