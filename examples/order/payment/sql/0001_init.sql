create table payment.authorisation (
  id text collate "C" not null,
  step_key text not null,
  order_no text not null,
  amount numeric not null,
  status text not null,
  authorised_at timestamptz not null,
  captured_at timestamptz,
  constraint authorisation_pkey primary key (id),
  constraint authorisation_step_key_once unique (step_key),
  constraint authorisation_amount_positive check (amount > 0),
  constraint authorisation_status_known check (status in ('held', 'released', 'captured')),
  constraint authorisation_captured_has_time check ((status = 'captured') = (captured_at is not null))
);
create index authorisation_order_no on payment.authorisation (order_no);

comment on table payment.authorisation is 'Money held for orders.';
comment on column payment.authorisation.id is 'ULID of the authorisation.';
comment on column payment.authorisation.step_key is 'The saga step that wrote the row: one effect a step.';
comment on column payment.authorisation.order_no is 'The order.';
comment on column payment.authorisation.amount is 'In currency units.';
comment on column payment.authorisation.status is 'held, released or captured.';
comment on column payment.authorisation.authorised_at is 'Since when it is held.';
comment on column payment.authorisation.captured_at is 'When it was taken; null unless it was.';
