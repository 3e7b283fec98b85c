create table notification.outgoing_mail (
  id text collate "C" not null,
  step_key text not null,
  contract_id text not null,
  template text not null,
  recipient text not null,
  subject text not null,
  text text not null,
  written_at timestamptz not null,
  constraint outgoing_mail_pkey primary key (id),
  constraint outgoing_mail_step_key_once unique (step_key),
  constraint outgoing_mail_recipient_bounded check (length(recipient) between 3 and 254)
);
create index outgoing_mail_contract_id on notification.outgoing_mail (contract_id);

comment on table notification.outgoing_mail is 'Mails that are to be sent, one row each.';
comment on column notification.outgoing_mail.id is 'ULID of the mail.';
comment on column notification.outgoing_mail.step_key is 'The saga step that wrote the row: one effect a step.';
comment on column notification.outgoing_mail.contract_id is
  'The contract the mail is about; it belongs to another domain, hence no foreign key.';
comment on column notification.outgoing_mail.template is 'Name of the template.';
comment on column notification.outgoing_mail.recipient is 'E-mail address.';
comment on column notification.outgoing_mail.subject is 'Subject line.';
comment on column notification.outgoing_mail.text is 'Body, plain text.';
comment on column notification.outgoing_mail.written_at is 'When the mail was written into the box.';
