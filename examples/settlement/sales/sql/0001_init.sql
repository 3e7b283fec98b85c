create table sales.shop (
  shop_no text not null,
  account text not null,
  constraint shop_pkey primary key (shop_no)
);

create table sales.sale (
  id text collate "C" not null,
  shop_no text not null,
  amount numeric not null,
  sold_at timestamptz not null,
  settled_by text,
  constraint sale_pkey primary key (id),
  constraint sale_of_shop foreign key (shop_no) references sales.shop (shop_no),
  constraint sale_amount_positive check (amount > 0)
);
create index sale_sold_at_open on sales.sale (sold_at) where settled_by is null;
create index sale_settled_by on sales.sale (settled_by) where settled_by is not null;

create table sales.held_payout (
  id text collate "C" not null,
  step_key text not null,
  month text not null,
  shop_no text not null,
  amount numeric not null,
  held_at timestamptz not null,
  released_at timestamptz,
  constraint held_payout_pkey primary key (id),
  constraint held_payout_step_key_once unique (step_key),
  constraint held_payout_of_shop foreign key (shop_no) references sales.shop (shop_no)
);

create table sales.settlement (
  month text not null,
  step_key text not null,
  paid integer not null,
  held integer not null,
  booked_at timestamptz not null,
  constraint settlement_pkey primary key (month),
  constraint settlement_step_key_once unique (step_key)
);

comment on table sales.shop is 'The shops that sell here.';
comment on column sales.shop.shop_no is 'Number of the shop.';
comment on column sales.shop.account is 'The bank account to which the shop is paid.';

comment on table sales.sale is 'What was sold; the tills write it.';
comment on column sales.sale.id is 'ULID of the sale.';
comment on column sales.sale.shop_no is 'The shop.';
comment on column sales.sale.amount is 'Price paid, in currency units.';
comment on column sales.sale.sold_at is 'When it was sold.';
comment on column sales.sale.settled_by is 'The saga step that settled the sale; null while it waits for a settlement.';

comment on table sales.held_payout is 'Money of shops that could not be paid.';
comment on column sales.held_payout.id is 'ULID of the row.';
comment on column sales.held_payout.step_key is 'The saga step that wrote the row: one effect a step.';
comment on column sales.held_payout.month is 'The month settled, as 2026-11.';
comment on column sales.held_payout.shop_no is 'The shop.';
comment on column sales.held_payout.amount is 'What it is owed, in currency units.';
comment on column sales.held_payout.held_at is 'Since when.';
comment on column sales.held_payout.released_at is 'When the settlement was undone; null while the money is held.';

comment on table sales.settlement is 'The months whose books are closed.';
comment on column sales.settlement.month is 'The month, as 2026-11.';
comment on column sales.settlement.step_key is 'The saga step that wrote the row: one effect a step.';
comment on column sales.settlement.paid is 'Shops that were paid.';
comment on column sales.settlement.held is 'Shops whose money is held.';
comment on column sales.settlement.booked_at is 'When the books were closed.';
