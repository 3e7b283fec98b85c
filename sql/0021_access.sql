-- Who may call the API. A key is `ekiden_<id>_<secret>`, shown once; only its SHA-256 is kept. Rows stay when they are
-- revoked: the audit names them, and authentication that was once asked for is not lifted by revoking the last key.

create table timeline.api_key (
  id text collate "C" constraint api_key_pkey primary key,
  name text not null
    constraint api_key_name_key unique
    constraint api_key_name_check check (name ~ '^[a-z][a-z0-9_.-]{0,47}$'),
  sha256 bytea not null constraint api_key_sha256_check check (octet_length(sha256) = 32),
  role text not null constraint api_key_role_check check (role in ('viewer', 'starter', 'operator', 'admin')),
  definitions text[],
  payloads boolean not null,
  created_at timestamptz not null default clock_timestamp(),
  created_by text not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  constraint api_key_admin_check check (role <> 'admin' or definitions is null)
);
comment on table timeline.api_key is 'Keys of the HTTP API. With the first row every call must show one.';
comment on column timeline.api_key.id is 'ULID; part of the key.';
comment on column timeline.api_key.name is 'What the audit calls its holder: `key:<name>`. Never used twice.';
comment on column timeline.api_key.sha256 is 'SHA-256 of the key.';
comment on column timeline.api_key.role is 'viewer, starter, operator or admin; each may what those before it may.';
comment on column timeline.api_key.definitions is 'Definitions whose sagas it is for; null: all.';
comment on column timeline.api_key.payloads is 'Whether it may read inputs, outputs and bodies.';
comment on column timeline.api_key.created_at is 'When it was made.';
comment on column timeline.api_key.created_by is 'Who made it.';
comment on column timeline.api_key.expires_at is 'It is of no use from then on; null: it does not expire.';
comment on column timeline.api_key.revoked_at is 'It is of no use since then.';
