create table subscription.subscription (
  subscription_no text not null,
  paid_until timestamptz not null,
  payment_id text not null,
  step_key text not null,
  constraint subscription_pkey primary key (subscription_no),
  constraint subscription_payment_once unique (payment_id)
);

create table subscription.letter (
  id text collate "C" not null,
  step_key text not null,
  subscription_no text not null,
  recipient text not null,
  letter text not null,
  written_at timestamptz not null,
  constraint letter_pkey primary key (id),
  constraint letter_step_key_once unique (step_key),
  constraint letter_known check (letter in ('question', 'reminder', 'declined'))
);
create index letter_subscription_no on subscription.letter (subscription_no);

comment on table subscription.subscription is 'Until when each subscription is paid.';
comment on column subscription.subscription.subscription_no is 'Number of the subscription.';
comment on column subscription.subscription.paid_until is 'Until when it is paid.';
comment on column subscription.subscription.payment_id is
  'The last payment; it belongs to another domain, hence no foreign key.';
comment on column subscription.subscription.step_key is 'The saga step that wrote it last.';

comment on table subscription.letter is 'Letters to owners that are to be sent.';
comment on column subscription.letter.id is 'ULID of the letter.';
comment on column subscription.letter.step_key is 'The saga step that wrote the row: one effect a step.';
comment on column subscription.letter.subscription_no is 'The subscription.';
comment on column subscription.letter.recipient is 'E-mail address.';
comment on column subscription.letter.letter is 'question, reminder or declined.';
comment on column subscription.letter.written_at is 'When it was written.';
