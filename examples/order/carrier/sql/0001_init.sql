create table carrier.carrier (
  name text not null,
  room integer not null,
  constraint carrier_pkey primary key (name),
  constraint carrier_room_never_below_zero check (room >= 0)
);

create table carrier.booking (
  id text collate "C" not null,
  step_key text not null,
  carrier text not null,
  order_no text not null,
  booked_at timestamptz not null,
  cancelled_at timestamptz,
  parcel_no text,
  handed_over_at timestamptz,
  constraint booking_pkey primary key (id),
  constraint booking_step_key_once unique (step_key),
  constraint booking_of_carrier foreign key (carrier) references carrier.carrier (name),
  constraint booking_cancelled_or_handed_over check (cancelled_at is null or handed_over_at is null)
);
create index booking_order_no on carrier.booking (order_no);

insert into carrier.carrier (name, room) values ('swift', 50), ('steady', 500);

comment on table carrier.carrier is 'The carriers, and how many more parcels each takes.';
comment on column carrier.carrier.name is 'The carrier.';
comment on column carrier.carrier.room is 'Parcels that it still takes.';

comment on table carrier.booking is 'Parcels that carriers were booked for; a cancelled one keeps its row.';
comment on column carrier.booking.id is 'ULID of the booking.';
comment on column carrier.booking.step_key is 'The saga step that wrote the row: one effect a step.';
comment on column carrier.booking.carrier is 'The carrier.';
comment on column carrier.booking.order_no is 'The order; it belongs to another domain, hence no foreign key.';
comment on column carrier.booking.booked_at is 'When it was booked.';
comment on column carrier.booking.cancelled_at is 'When the booking was undone; null while it stands.';
comment on column carrier.booking.parcel_no is 'The number under which the parcel is followed.';
comment on column carrier.booking.handed_over_at is 'When the carrier got the parcel.';
