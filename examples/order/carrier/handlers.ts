import { FatalError, type Outcome, rejected, type StepContext, succeeded, type Tx } from "ekiden";
import type { Book, Booked, HandedOver, HandOver } from "./messages.ts";

/** Books a carrier. Rejects with `no_room`. */
export async function book(tx: Tx, input: Book, context: StepContext): Promise<Outcome<Booked>> {
  const { count } = await tx`
    update carrier.carrier set room = room - 1 where name = ${input.carrier} and room > 0
  `;
  if (count === 0) return rejected("no_room", `${input.carrier} takes no more parcels`);
  const bookingId = context.newId();
  await tx`
    insert into carrier.booking (id, step_key, carrier, order_no, booked_at)
    values (${bookingId}, ${context.stepKey}, ${input.carrier}, ${input.orderNo}, ${context.now})
  `;
  return succeeded({ bookingId });
}

/** Undoes `book`: the carrier has room for another parcel. */
export async function cancel(tx: Tx, _input: Book, context: StepContext): Promise<Outcome<undefined>> {
  const { compensates } = context;
  if (!compensates) throw new FatalError("carrier.cancel only undoes a step", { code: "not_a_compensation" });
  await tx`
    with cancelled as (
      update carrier.booking set cancelled_at = ${context.now}
      where step_key = ${compensates.stepKey} and cancelled_at is null
      returning carrier
    )
    update carrier.carrier set room = room + 1 from cancelled where carrier.name = cancelled.carrier
  `;
  return succeeded();
}

/** Gives the parcel to the carrier. Rejects with `not_booked`. */
export async function handOver(tx: Tx, input: HandOver, context: StepContext): Promise<Outcome<HandedOver>> {
  const parcelNo = `P-${input.orderNo}`;
  const { count } = await tx`
    update carrier.booking set parcel_no = ${parcelNo}, handed_over_at = ${context.now}
    where id = ${input.bookingId} and cancelled_at is null
  `;
  return count === 1 ? succeeded({ parcelNo }) : rejected("not_booked", `${input.bookingId} is not booked`);
}
