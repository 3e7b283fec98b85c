import { FatalError, type Outcome, rejected, type StepContext, succeeded, type Tx } from "ekiden";
import type { Reserve, Reserved } from "./messages.ts";

/** Promises goods. Rejects with `sold_out`. */
export async function reserve(tx: Tx, input: Reserve, context: StepContext): Promise<Outcome<Reserved>> {
  // The condition stands in the update: two orders that meet cannot both get the last piece.
  const [shelf] = await tx<[{ readonly left: number }?]>`
    update stock.shelf set available = available - ${input.quantity}
    where sku = ${input.sku} and available >= ${input.quantity}
    returning available as left
  `;
  if (shelf === undefined) return rejected("sold_out", `there are not ${input.quantity} of ${input.sku}`);
  const reservationId = context.newId();
  await tx`
    insert into stock.reservation (id, step_key, sku, quantity, reserved_at)
    values (${reservationId}, ${context.stepKey}, ${input.sku}, ${input.quantity}, ${context.now})
  `;
  return succeeded({ reservationId, left: shelf.left });
}

/** Undoes `reserve`: the goods can be promised to others. */
export async function release(tx: Tx, _input: Reserve, context: StepContext): Promise<Outcome<undefined>> {
  const { compensates } = context;
  if (!compensates) throw new FatalError("stock.release only undoes a step", { code: "not_a_compensation" });
  await tx`
    with released as (
      update stock.reservation set released_at = ${context.now}
      where step_key = ${compensates.stepKey} and released_at is null
      returning sku, quantity
    )
    update stock.shelf set available = available + released.quantity from released where shelf.sku = released.sku
  `;
  return succeeded();
}
