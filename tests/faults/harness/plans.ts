import { join } from "node:path";

import { root } from "../../architecture/project-files.ts";
import type { Random } from "../../simulation/random.ts";

/** A saga that a client is about to start, and what it will do with it. */
export interface Plan {
  readonly definition: string;
  readonly input: Record<string, unknown>;
  /** How it may end; a cancel adds `cancelled`. */
  readonly ends: readonly string[];
  /** Sent right after the start. */
  readonly signal?: { readonly name: string; readonly payload: Record<string, unknown> };
  readonly cancel: boolean;
}

const APPLICATIONS = (await Bun.file(join(root, "domains/data/applications.ndjson")).text())
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as { applicant: { email: string }; credit: { amount: number; months: number } });

/** Every shipped definition and the harness' own, by how often they are drawn. */
const WEIGHTS = {
  onboarding: 5,
  order: 4,
  bank_transfer: 2,
  settlement: 0.6,
  renewal: 2,
  relay: 4,
  voyage: 2,
} as const;

type Definition = keyof typeof WEIGHTS;

/** Accounts that are closed, cards that are declined: the harness writes them before the first saga. */
export const CLOSED_ACCOUNT = "A-closed";
export const DECLINED = "S-declined";
export const SOLD_OUT = "nothing-0";
export const SHOPS = 6;
/** The first month of sales, and how many months there are. */
export const MONTHS = { first: Date.UTC(2020, 0, 1), count: 60 } as const;

/** Draws what the clients start: mixed outcomes of every shipped definition. */
export class Plans {
  readonly #random: Random;
  readonly #abroad: string;
  #number = 0;

  constructor(random: Random, abroad: string) {
    this.#random = random;
    this.#abroad = abroad;
  }

  next(only?: string): Plan {
    this.#number += 1;
    const number = `${this.#number}`;
    const definition = (only as Definition | undefined) ?? this.#random.weighted<Definition>(WEIGHTS);
    return this.#of(definition, number, this.#random.chance(0.05));
  }

  #of(definition: Definition, number: string, cancel: boolean): Plan {
    switch (definition) {
      case "onboarding":
        return this.#onboarding(number, cancel);
      case "order":
        return this.#order(number, cancel);
      case "bank_transfer":
        return this.#transfer(number);
      case "settlement":
        return this.#settlement();
      case "renewal":
        return this.#renewal(number);
      case "relay":
        return this.#relay(number, cancel);
      case "voyage":
        return this.#voyage(number, cancel);
    }
  }

  #onboarding(number: string, cancel: boolean): Plan {
    const application = structuredClone(this.#random.pick(APPLICATIONS));
    // One in eight cannot be paid back in instalments of at least 1: the pivot is refused.
    if (this.#random.chance(0.12)) application.credit = { ...application.credit, amount: 50, months: 60 };
    if (this.#random.chance(0.12)) application.applicant.email = "no address";
    const input = { ...application, applicationNo: `A-${number}` };
    return { definition: "onboarding", input, ends: ["completed", "failed"], cancel };
  }

  #order(number: string, cancel: boolean): Plan {
    const refused = this.#random.weighted({ none: 6, over_limit: 1, sold_out: 1 });
    const input = {
      orderNo: `O-${number}`,
      email: "kenta.mori@example.jp",
      sku: refused === "sold_out" ? SOLD_OUT : this.#random.pick(["lamp-3", "chair-1"]),
      quantity: 1 + this.#random.below(3),
      amount: refused === "over_limit" ? 10_001 : 1 + this.#random.below(500),
    };
    return { definition: "order", input, ends: [refused === "none" ? "completed" : "failed"], cancel };
  }

  #transfer(number: string): Plan {
    const closed = this.#random.chance(0.3);
    const account = closed ? CLOSED_ACCOUNT : `A-${this.#random.below(50)}`;
    const input = { account, amount: 1 + this.#random.below(1_000), reference: `T-${number}` };
    return { definition: "bank_transfer", input, ends: [closed ? "failed" : "completed"], cancel: false };
  }

  /** The same month may come again: the second has nothing to pay, or is refused by the books. */
  #settlement(): Plan {
    const month = this.#random.below(MONTHS.count);
    const first = new Date(MONTHS.first);
    // The second of the month, so that the month before is the one that is settled, wherever one is.
    const planned = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + month + 1, 2));
    const input = { plannedAt: planned.toISOString() };
    return { definition: "settlement", input, ends: ["completed", "failed"], cancel: this.#random.chance(0.3) };
  }

  #renewal(number: string): Plan {
    const declined = this.#random.chance(0.2);
    const subscriptionNo = declined ? `${DECLINED}-${this.#random.below(1_000)}` : `S-${number}`;
    const endsAt = new Date(Date.now() - 60_000 + this.#random.below(62_000)).toISOString();
    const decision = this.#random.chance(0.8) ? "renew" : "leave";
    const input = { subscriptionNo, email: "aoi.hayashi@example.jp", endsAt, price: 120 };
    const signal = { name: "renewal_answered", payload: { subscriptionNo, decision } };
    return { definition: "renewal", input, ends: ["completed"], signal, cancel: false };
  }

  #relay(number: string, cancel: boolean): Plan {
    const refuse = this.#random.chance(0.3);
    const input = { note: `R-${number}`, gate: "", refuse };
    return { definition: "relay", input, ends: [refuse ? "failed" : "completed"], cancel };
  }

  #voyage(number: string, cancel: boolean): Plan {
    const refuse = this.#random.chance(0.3);
    const input = { note: `V-${number}`, folder: this.#abroad, ms: this.#random.below(1_500), refuse };
    // A call whose end nobody saw may be taken back.
    return { definition: "voyage", input, ends: refuse ? ["failed"] : ["completed", "failed"], cancel };
  }
}
