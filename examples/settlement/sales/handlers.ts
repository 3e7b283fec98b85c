import { FatalError, type Outcome, rejected, type StepContext, succeeded, type Tx } from "ekiden";
import { monthBefore } from "./decide.ts";
import type { BookSettlement, CloseMonth, ClosedMonth, HoldPayout } from "./messages.ts";

/** Marks the sales of a month as settled and sums them up. Rejects with `unreadable_time`. */
export async function closeMonth(tx: Tx, input: CloseMonth, context: StepContext): Promise<Outcome<ClosedMonth>> {
  const month = monthBefore(input.plannedAt);
  if (month === undefined) return rejected("unreadable_time", "the planned time is no date");
  const shops = await tx<{ shopNo: string; account: string; amount: number }[]>`
    with settled as (
      update sales.sale set settled_by = ${context.stepKey}
      where sold_at >= ${month.from} and sold_at < ${month.before} and settled_by is null
      returning shop_no, amount
    )
    select shop.shop_no as "shopNo", shop.account, sum(settled.amount)::float8 as amount
    from settled join sales.shop on shop.shop_no = settled.shop_no
    group by shop.shop_no, shop.account
    order by shop.shop_no
  `;
  return succeeded({ month: month.name, shops: [...shops] });
}

/** Undoes `closeMonth`: its sales wait for the next settlement. */
export async function reopenMonth(tx: Tx, _input: CloseMonth, context: StepContext): Promise<Outcome<undefined>> {
  await tx`update sales.sale set settled_by = null where settled_by = ${compensated(context)}`;
  return succeeded();
}

/** Keeps the money of a shop that could not be paid. */
export async function holdPayout(tx: Tx, input: HoldPayout, context: StepContext): Promise<Outcome<undefined>> {
  await tx`
    insert into sales.held_payout (id, step_key, month, shop_no, amount, held_at)
    values (
      ${context.newId()}, ${context.stepKey}, ${input.month}, ${input.shopNo}, ${input.amount}, ${context.now}
    )
  `;
  return succeeded();
}

/** Undoes `holdPayout`. */
export async function releasePayout(tx: Tx, _input: HoldPayout, context: StepContext): Promise<Outcome<undefined>> {
  await tx`
    update sales.held_payout set released_at = ${context.now}
    where step_key = ${compensated(context)} and released_at is null
  `;
  return succeeded();
}

/** Closes the books of a month. Rejects with `already_booked`. */
export async function bookSettlement(tx: Tx, input: BookSettlement, context: StepContext): Promise<Outcome<undefined>> {
  const { count } = await tx`
    insert into sales.settlement (month, step_key, paid, held, booked_at)
    values (${input.month}, ${context.stepKey}, ${input.paid}, ${input.held}, ${context.now})
    on conflict (month) do nothing
  `;
  return count === 1 ? succeeded() : rejected("already_booked", `${input.month} is booked already`);
}

/** The step that is undone, by its key: its output is missing when nobody saw its end. */
function compensated({ compensates }: StepContext): string {
  if (!compensates) throw new FatalError("this only undoes a step", { code: "not_a_compensation" });
  return compensates.stepKey;
}
