create table payment.declined_card (
  subscription_no text not null,
  constraint declined_card_pkey primary key (subscription_no)
);

create table payment.payment (
  id text collate "C" not null,
  step_key text not null,
  subscription_no text not null,
  amount numeric not null,
  paid_at timestamptz not null,
  constraint payment_pkey primary key (id),
  constraint payment_step_key_once unique (step_key),
  constraint payment_amount_positive check (amount > 0)
);
create index payment_subscription_no on payment.payment (subscription_no);

comment on table payment.declined_card is 'Subscriptions whose card the bank declines.';
comment on column payment.declined_card.subscription_no is
  'The subscription; it belongs to another domain, hence no foreign key.';

comment on table payment.payment is 'What was charged.';
comment on column payment.payment.id is 'ULID of the payment.';
comment on column payment.payment.step_key is 'The saga step that wrote the row: one effect a step.';
comment on column payment.payment.subscription_no is
  'The subscription; it belongs to another domain, hence no foreign key.';
comment on column payment.payment.amount is 'In currency units.';
comment on column payment.payment.paid_at is 'When.';
