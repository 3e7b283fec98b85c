import type { Law } from "./law.ts";

/** I14: what the example domains can neither make nor lose. */
export const LAWS_OF_BUSINESS: readonly Law[] = [
  {
    invariant: "I14",
    says: "credit granted is that of the completed applications",
    breaches: `select * from (
        select (select count(*) from contract.contract) as contracts, (select count(*) from contract.book) as booked,
          (select coalesce(sum(credit_granted), 0) from contract.book) as granted,
          (select coalesce(sum(amount), 0) from contract.instalment) as instalments,
          count(*) as completed, coalesce(sum((input->'credit'->>'amount')::numeric), 0) as asked
        from timeline.saga where definition = 'onboarding' and status = 'completed'
      ) b where contracts <> completed or booked <> completed or granted <> asked or instalments <> granted`,
  },
  {
    invariant: "I14",
    says: "goods are on a shelf or promised to an order that completed",
    breaches: `select * from (
        select (select sum(available) from stock.shelf) as on_shelves, k.goods,
          (select coalesce(sum(quantity), 0) from stock.reservation where released_at is null) as promised,
          (select coalesce(sum((input->>'quantity')::integer), 0) from timeline.saga where definition = 'order' and status = 'completed') as sold
        from checker.stocked k
      ) b where on_shelves + promised <> goods or promised <> sold`,
  },
  {
    invariant: "I14",
    says: "a carrier's room is free or taken by one parcel of each order that completed",
    breaches: `select * from (
        select (select sum(room) from carrier.carrier) as free, k.room,
          (select count(*) from carrier.booking where cancelled_at is null) as taken,
          (select count(*) from carrier.booking where handed_over_at is not null) as handed_over,
          (select count(*) from timeline.saga where definition = 'order' and status = 'completed') as completed
        from checker.stocked k
      ) b where free + taken <> room or taken <> completed or handed_over <> completed`,
  },
  {
    invariant: "I14",
    says: "money held is captured for what was shipped, and for nothing else",
    breaches: `select * from (
        select (select count(*) from payment.authorisation where status = 'held') as held,
          (select coalesce(sum(amount), 0) from payment.authorisation where status = 'captured') as captured,
          (select coalesce(sum((input->>'amount')::numeric), 0) from timeline.saga where definition = 'order' and status = 'completed') as sold
      ) b where held <> 0 or captured <> sold`,
  },
  {
    invariant: "I14",
    says: "the books of the bank balance, and say what the transfers say",
    breaches: `select * from (
        select (select coalesce(sum(amount), 0) from bank.entry) as balance,
          (select coalesce(sum(amount), 0) from bank.entry where account <> 'house') as given,
          (select coalesce(sum((input->>'amount')::numeric), 0) from timeline.saga
            where definition = 'bank_transfer' and status = 'completed' and id not in (select saga_id from gone_back)) as transferred
      ) b where balance <> 0 or given <> transferred`,
  },
  {
    invariant: "I14",
    says: "what was sold is open, or paid or held by one settlement",
    breaches: `select * from (
        select (select coalesce(sum(amount), 0) from sales.sale where settled_by is not null) as settled,
          (select coalesce(sum(amount), 0) from sales.held_payout where released_at is null) as held,
          (select coalesce(sum((c.input->>'amount')::numeric), 0) from timeline.saga c
            where c.parent_id is not null and c.status = 'completed' and c.id not in (select saga_id from gone_back)) as paid
      ) b where settled <> held + paid
      `,
  },
  {
    invariant: "I14",
    says: "who was charged has the year, and nobody else",
    breaches: `select * from (
        select (select count(*) from card.payment) as payments, (select count(*) from subscription.subscription) as subscriptions,
          (select count(*) from timeline.saga where definition = 'renewal' and status = 'completed' and (output->>'paid')::boolean) as paid
      ) b where payments <> paid or subscriptions <> paid`,
  },
];
