import type { Sql } from "postgres";

import { Random } from "../../simulation/random.ts";
import type { Call, History } from "./history.ts";
import { CLOSED_ACCOUNT, DECLINED, MONTHS, type Plan, Plans, SHOPS, SOLD_OUT } from "./plans.ts";

/** What the load needs of the world that it runs in. */
export interface LoadOptions {
  readonly history: History;
  readonly abroad: string;
  readonly seed: number;
  /** Addresses of engines that are up now; may be empty. */
  readonly urls: () => readonly string[];
  /** Past every proxy. */
  readonly sql: Sql;
  readonly clients: number;
  /** Mean pause of a client between two sagas. */
  readonly pauseMs: number;
}

const TRY_MS = 10_000;
/** A client gives up for good: what became of its call is unknown to it. */
const GIVE_UP_MS = 150_000;
const REVIEW_EVERY_MS = 300;
const PLENTY = 1_000_000;
/** With more open sagas than this the clients wait: a backlog that grows would be healed for ever. */
const OPEN_MAX = 40;

/** Careful clients: each call is repeated under one Idempotency-Key until its answer is definite, and all is written down. */
export class Load {
  readonly #options: LoadOptions;
  readonly #plans: Plans;
  readonly #random: Random;
  #starting = false;
  /** Sagas that are open, as of the reviewer's last look. */
  #open = 0;
  #reviewing = false;
  #clients: Promise<unknown> = Promise.resolve();
  #reviewer: Promise<void> = Promise.resolve();

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#plans = new Plans(new Random(options.seed + 1), options.abroad);
  }

  /** Writes what the sagas will find in the domains' tables, and how much of it there is. */
  async stock(): Promise<void> {
    const { sql, history } = this.#options;
    await sql`update stock.shelf set available = ${PLENTY}`;
    await sql`insert into stock.shelf (sku, available) values (${SOLD_OUT}, 0)`;
    await sql`update carrier.carrier set room = ${PLENTY}`;
    await sql`insert into bank.account (account, closed_at) values (${CLOSED_ACCOUNT}, now())`;
    await sql`insert into card.declined_card select ${`${DECLINED}-`} || n from generate_series(0, 999) n`;
    await sql`
      insert into sales.shop (shop_no, account)
      select 'shop-' || n, case when n = 1 then ${CLOSED_ACCOUNT} else 'shop-account-' || n end
      from generate_series(1, ${SHOPS}::integer) n
    `;
    await sql`
      insert into sales.sale (id, shop_no, amount, sold_at)
      select m || '-' || n, 'shop-' || n, 100 + n, ${new Date(MONTHS.first)}::timestamptz + make_interval(months => m, days => 9)
      from generate_series(0, ${MONTHS.count - 1}::integer) m, generate_series(1, ${SHOPS}::integer) n
    `;
    const [row] = await sql<{ goods: number; room: number }[]>`
      select (select sum(available)::integer from stock.shelf) as goods, (select sum(room)::integer from carrier.carrier) as room
    `;
    history.stocked = row as { goods: number; room: number };
  }

  begin(): void {
    this.#starting = true;
    this.#clients = Promise.all(Array.from({ length: this.#options.clients }, () => this.#client()));
    this.#reviewing = true;
    this.#reviewer = this.#review();
  }

  /** Starts no further saga; what was begun is brought to a definite answer. */
  async end(): Promise<void> {
    this.#starting = false;
    await this.#clients;
  }

  /** The reviewer goes on until the last saga has ended. */
  async close(): Promise<void> {
    this.#reviewing = false;
    await this.#reviewer;
  }

  /** An operator has every parked saga tried again. Returns how many there were. */
  async help(): Promise<number> {
    const parked = await this.#options.sql<{ id: string; definition: string }[]>`
      select saga_id as id, definition from timeline.saga_open where status = 'parked'
    `;
    for (const { id, definition } of parked)
      await this.#send(id, "retry", "retry", { reason: "the fault is over" }, definition);
    return parked.length;
  }

  /** Starts one saga now, beside the clients. Returns its id, or undefined when no answer was definite. */
  async one(definition: string): Promise<string | undefined> {
    const call = await this.#run({ ...this.#plans.next(definition), cancel: false });
    return call.outcome === "accepted" ? call.sagaIds[0] : undefined;
  }

  async #client(): Promise<void> {
    while (this.#starting) {
      while (this.#starting && this.#open > OPEN_MAX) await Bun.sleep(100);
      await this.#run(this.#plans.next());
      await Bun.sleep(this.#random.next() * 2 * this.#options.pauseMs);
    }
  }

  async #run(plan: Plan): Promise<Call> {
    const { definition, input, signal, cancel } = plan;
    const ends = cancel ? [...plan.ends, "cancelled"] : plan.ends;
    const start = this.#options.history.begin({ kind: "start", definition, key: crypto.randomUUID(), input, ends });
    await this.#definite(start, `/v1/sagas/${definition}`);
    // A client that has lost its answer asks once more, whatever came: it must hear of the same saga.
    if (this.#random.chance(0.1)) await this.#definite(start, `/v1/sagas/${definition}`);
    const sagaId = start.sagaIds[0];
    if (start.outcome !== "accepted" || sagaId === undefined) return start;
    if (signal !== undefined) await this.#send(sagaId, "signal", `signals/${signal.name}`, signal.payload, definition);
    if (cancel) await this.#send(sagaId, "cancel", "cancel", { reason: "changed their mind" }, definition);
    return start;
  }

  async #send(sagaId: string, kind: "signal" | "cancel" | "retry", verb: string, input: unknown, definition: string) {
    const key = `${kind}-${crypto.randomUUID()}`;
    const call = this.#options.history.begin({ kind, definition, key, input, ends: [] });
    await this.#definite(call, `/v1/sagas/${sagaId}/${verb}`);
  }

  /** Asks until an answer says what has become of the call. */
  async #definite(call: Call, path: string): Promise<void> {
    const until = performance.now() + GIVE_UP_MS;
    while (performance.now() < until) {
      const answer = await this.#try(call, path);
      call.until = new Date();
      if (answer.sagaId !== undefined) call.sagaIds.push(answer.sagaId);
      if (answer.status >= 200 && answer.status < 300) {
        call.outcome = "accepted";
        return;
      }
      if (answer.status >= 400 && answer.status < 500 && answer.status !== 408 && answer.status !== 429) {
        if (call.outcome === "unknown") call.outcome = "refused";
        return;
      }
      await Bun.sleep(100 + this.#random.below(400));
    }
  }

  async #try(call: Call, path: string): Promise<{ status: number; sagaId?: string }> {
    const urls = this.#options.urls();
    call.tries += 1;
    if (urls.length === 0) return { status: 0 };
    try {
      const response = await fetch(`${this.#random.pick(urls)}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": call.key },
        body: JSON.stringify(call.input),
        signal: AbortSignal.timeout(TRY_MS),
      });
      const { sagaId } = ((await response.json()) ?? {}) as { sagaId?: string };
      call.statuses.push(response.status);
      return { status: response.status, ...(sagaId !== undefined && response.status < 300 && { sagaId }) };
    } catch {
      call.statuses.push(0);
      return { status: 0 };
    }
  }

  /** Decides whatever waits for a reviewer. */
  async #review(): Promise<void> {
    const { sql } = this.#options;
    while (this.#reviewing) {
      await Bun.sleep(REVIEW_EVERY_MS);
      const [row] = await sql<{ open: number }[]>`select count(*)::integer as open from timeline.saga_open`.catch(
        () => [],
      );
      this.#open = row?.open ?? this.#open;
      const waiting = await sql<{ id: string }[]>`
        select saga_id as id from timeline.saga_step where path like '%review' and status = 'waiting' limit 20
      `.catch(() => []);
      for (const { id } of waiting) {
        const decision = this.#random.chance(0.6) ? "approve" : "reject";
        if (this.#reviewing)
          await this.#send(id, "signal", "signals/screening_reviewed", { decision, reviewer: "R. Sato" }, "onboarding");
      }
    }
  }
}
