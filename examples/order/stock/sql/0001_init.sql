create table stock.shelf (
  sku text not null,
  available integer not null,
  constraint shelf_pkey primary key (sku),
  constraint shelf_never_below_zero check (available >= 0)
);

create table stock.reservation (
  id text collate "C" not null,
  step_key text not null,
  sku text not null,
  quantity integer not null,
  reserved_at timestamptz not null,
  released_at timestamptz,
  constraint reservation_pkey primary key (id),
  constraint reservation_step_key_once unique (step_key),
  constraint reservation_of_shelf foreign key (sku) references stock.shelf (sku),
  constraint reservation_of_something check (quantity >= 1)
);

insert into stock.shelf (sku, available) values ('lamp-3', 100), ('chair-1', 20);

comment on table stock.shelf is 'What can be promised of each article.';
comment on column stock.shelf.sku is 'The article.';
comment on column stock.shelf.available is 'Pieces that nobody has been promised.';

comment on table stock.reservation is 'Goods that were promised; a released one keeps its row.';
comment on column stock.reservation.id is 'ULID of the reservation.';
comment on column stock.reservation.step_key is 'The saga step that wrote the row: one effect a step.';
comment on column stock.reservation.sku is 'The article.';
comment on column stock.reservation.quantity is 'How many.';
comment on column stock.reservation.reserved_at is 'Since when.';
comment on column stock.reservation.released_at is 'When it was undone; null while it stands.';
