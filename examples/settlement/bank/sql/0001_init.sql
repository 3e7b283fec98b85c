create table bank.account (
  account text not null,
  closed_at timestamptz,
  constraint account_pkey primary key (account)
);

create table bank.entry (
  id text collate "C" not null,
  step_key text not null,
  account text not null,
  amount numeric not null,
  reference text not null,
  booked_at timestamptz not null,
  reverses text collate "C",
  constraint entry_pkey primary key (id),
  constraint entry_step_key_once unique (step_key),
  constraint entry_reversed_once unique (reverses),
  constraint entry_reverses_entry foreign key (reverses) references bank.entry (id),
  constraint entry_moves_money check (amount <> 0)
);
create index entry_account on bank.entry (account);

comment on table bank.account is 'Accounts that are known to be closed, or open again; one that is not here is open.';
comment on column bank.account.account is 'The account.';
comment on column bank.account.closed_at is 'Since when it is closed; null while it is open.';

comment on table bank.entry is 'What was given to accounts and taken from them. An entry is undone by a second one.';
comment on column bank.entry.id is 'ULID of the entry.';
comment on column bank.entry.step_key is 'The saga step, or the compensation, that wrote the row: one effect each.';
comment on column bank.entry.account is 'The account.';
comment on column bank.entry.amount is 'In currency units; negative when it was taken.';
comment on column bank.entry.reference is 'What for.';
comment on column bank.entry.booked_at is 'When.';
comment on column bank.entry.reverses is 'The entry that this one undoes.';
