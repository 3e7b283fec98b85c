import postgres from "postgres";

/** Refused by a business rule: the saga is compensated, not tried again. */
export class Refused extends Error {
  name = "Refused";
}

const AMOUNT_MAX = 1_000_000;
const sql = postgres(process.env.DATABASE_URL, { max: Number(process.env.BUSINESS_POOL ?? 20), onnotice: () => {} });

/**
 * The three steps of the workload and their compensations, by name. Engines that deliver at least once ask their users to
 * write so that a second time does nothing: hence `on conflict`.
 */
export const business = {
  async register({ saga, applicant, amount }) {
    await sql`
      insert into application.application (id, saga_id, status, applicant, amount)
      values (${`a-${saga}`}, ${saga}, 'registered', ${applicant}, ${amount})
      on conflict do nothing
    `;
    return { applicationId: `a-${saga}` };
  },

  async examine({ saga }) {
    await sql`
      insert into screening.examination (id, saga_id, status, score)
      values (${`e-${saga}`}, ${saga}, 'passed', 700)
      on conflict do nothing
    `;
    return { examinationId: `e-${saga}`, score: 700 };
  },

  async conclude({ saga, amount }) {
    if (amount > AMOUNT_MAX) throw new Refused(`at most ${AMOUNT_MAX}`);
    await sql`
      insert into contract.contract (id, saga_id, status, amount)
      values (${`c-${saga}`}, ${saga}, 'concluded', ${amount})
      on conflict do nothing
    `;
    return { contractId: `c-${saga}` };
  },

  async voidExamination({ saga }) {
    await sql`update screening.examination set status = 'cancelled' where id = ${`e-${saga}`}`;
  },

  async cancel({ saga }) {
    await sql`update application.application set status = 'cancelled' where id = ${`a-${saga}`}`;
  },
};
