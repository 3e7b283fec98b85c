import { defineDomain, FatalError, type Outcome, rejected, succeeded, type Tx } from "ekiden";
import * as v from "valibot";

const Order = v.strictObject({ amount: v.pipe(v.number(), v.integer()), customer: v.string() });
type Order = v.InferOutput<typeof Order>;
const Done = v.strictObject({ amount: v.number() });

/** More than this is never charged at once. */
const LIMIT = 400;

function done({ amount }: Order): Promise<Outcome<{ amount: number }>> {
  return Promise.resolve(succeeded({ amount }));
}

export default defineDomain({
  name: "shop",
  steps: {
    reserve: { input: Order, output: Done, run: (_tx: Tx, order: Order) => done(order) },
    release: { input: Order, run: (_tx: Tx, order: Order) => release(order) },
    charge: { input: Order, output: Done, run: (_tx: Tx, order: Order) => charge(order) },
    refund: { input: Order, run: () => Promise.resolve(succeeded()) },
    ship: { input: Order, output: Done, run: (_tx: Tx, order: Order) => ship(order) },
    carry: { input: Order, output: Done, run: (_tx: Tx, order: Order) => carry(order) },
    recall: { input: Order, run: () => Promise.resolve(succeeded()) },
  },
});

async function charge(input: Order): Promise<Outcome<{ amount: number }>> {
  const { amount } = input;
  if (amount > LIMIT && amount < 500) {
    throw new FatalError(`an amount of ${amount} is over the limit of ${LIMIT}`, { code: "over_limit" });
  }
  return done(input);
}

async function ship(input: Order): Promise<Outcome<{ amount: number }>> {
  if (input.customer.startsWith("Nobody")) return rejected("no_address", `nothing can be sent to ${input.customer}`);
  return done(input);
}

function carry({ customer }: Order): Promise<Outcome<{ amount: number }>> {
  return Promise.reject(new Error(`the road to ${customer} is closed`));
}

async function release({ customer }: Order): Promise<Outcome<undefined>> {
  if (customer === "Nobody (locked)") throw new FatalError("the reservation is locked", { code: "locked" });
  return succeeded();
}
