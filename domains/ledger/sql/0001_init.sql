create table ledger.entry (
  id text collate "C" not null,
  step_key text not null,
  kind text not null,
  contract_id text not null,
  entered_at timestamptz not null,
  constraint entry_pkey primary key (id),
  constraint entry_step_key_once unique (step_key),
  constraint entry_kind_known check (kind in ('contracted'))
);
create index entry_contract_id on ledger.entry (contract_id);

comment on table ledger.entry is 'The ledger: one row for each thing that happened to a contract.';
comment on column ledger.entry.id is 'ULID of the entry.';
comment on column ledger.entry.step_key is 'The saga step that wrote the row: one effect a step.';
comment on column ledger.entry.kind is 'What happened; contracted so far.';
comment on column ledger.entry.contract_id is
  'The contract; it belongs to another domain, hence no foreign key.';
comment on column ledger.entry.entered_at is 'When the entry was made.';
