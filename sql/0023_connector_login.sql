-- The connector logs in as a role of its own, which replicates and sees what is published, and nothing else. Without the
-- right to make such a role (a superuser, or from PostgreSQL 16 on one with createrole and replication) it uses the engine's.

create table timeline.connector_login (
  id integer constraint connector_login_pkey primary key constraint connector_login_id_check check (id = 1),
  role_name text not null,
  password text not null
);
comment on table timeline.connector_login is 'Login role of the connector; readable by the engine alone.';
comment on column timeline.connector_login.id is 'Always 1.';
comment on column timeline.connector_login.role_name is 'Its database role.';
comment on column timeline.connector_login.password is 'Password made by the engine.';
