create table contract.contract (
  id text collate "C" not null,
  step_key text not null,
  serial bigint generated always as identity,
  number text generated always as ('C-' || lpad(serial::text, greatest(8, length(serial::text)), '0')) stored not null,
  application_id text not null,
  amount numeric not null,
  months integer not null,
  concluded_at timestamptz not null,
  constraint contract_pkey primary key (id),
  constraint contract_step_key_once unique (step_key),
  constraint contract_number_once unique (number),
  constraint contract_amount_positive check (amount >= 1),
  constraint contract_months_bounded check (months between 1 and 120)
);
create index contract_application_id on contract.contract (application_id);

create table contract.instalment (
  contract_id text collate "C" not null,
  number integer not null,
  amount numeric not null,
  due_on date not null,
  constraint instalment_pkey primary key (contract_id, number),
  constraint instalment_of_contract foreign key (contract_id) references contract.contract (id),
  constraint instalment_number_positive check (number >= 1),
  constraint instalment_amount_positive check (amount >= 1)
);

create table contract.book (
  id text collate "C" not null,
  step_key text not null,
  contract_id text not null,
  credit_granted numeric not null,
  booked_at timestamptz not null,
  constraint book_pkey primary key (id),
  constraint book_step_key_once unique (step_key),
  constraint book_of_contract foreign key (contract_id) references contract.contract (id),
  constraint book_contract_once unique (contract_id)
);

comment on table contract.contract is 'One row a contract. Contracts are concluded by a pivot and never undone.';
comment on column contract.contract.id is 'ULID of the contract.';
comment on column contract.contract.step_key is 'The saga step that wrote the row: one effect a step.';
comment on column contract.contract.serial is 'Counter behind the number. A rolled back attempt leaves a gap.';
comment on column contract.contract.number is 'The number for people: C- and at least eight digits.';
comment on column contract.contract.application_id is
  'The application behind the contract; it belongs to another domain, hence no foreign key.';
comment on column contract.contract.amount is 'Credit granted, in currency units.';
comment on column contract.contract.months is 'Number of instalments, one a month.';
comment on column contract.contract.concluded_at is 'When the contract was concluded.';

comment on table contract.instalment is
  'The instalment plan: one row a month; its amounts sum to the contract''s amount exactly.';
comment on column contract.instalment.contract_id is 'The contract.';
comment on column contract.instalment.number is 'Place in the plan, from 1.';
comment on column contract.instalment.amount is
  'To be paid, in currency units; whole but for the last, which has the remainder.';
comment on column contract.instalment.due_on is 'Day of payment: the day of the contract (UTC) plus as many months.';

comment on table contract.book is
  'Credit granted, one entry a contract, written in the contract''s own transaction: both sums are always equal.';
comment on column contract.book.id is 'ULID of the entry.';
comment on column contract.book.step_key is 'The saga step that wrote the row: one effect a step.';
comment on column contract.book.contract_id is 'The contract by which the credit was granted.';
comment on column contract.book.credit_granted is 'Credit granted, in currency units.';
comment on column contract.book.booked_at is 'When the entry was made.';
