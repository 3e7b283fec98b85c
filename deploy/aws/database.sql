-- As the master user of RDS, in the database `postgres`: psql -v password="…" -f deploy/aws/database.sql
-- No superuser is needed, and none exists there. PostgreSQL 16 or newer.

create role ekiden login createrole password :'password';

-- RDS lets members of this role replicate. With the admin option the engine passes it on to the connector's own login, and so
-- need not hand out its own.
grant rds_replication to ekiden with admin option;

-- Who makes a database for somebody else has to be able to become that role.
grant ekiden to current_user;
create database ekiden owner ekiden;
