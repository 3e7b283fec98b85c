-- What GET /v1/stream reads: the transitions in the order of their transactions. Written for rows that moved a saga only,
-- so that nothing is added to what participants write, and no later write to the row touches the index.

alter table timeline.event_consumption add column status text, add column xid xid8;
create index event_consumption_xid_idx on timeline.event_consumption (xid) where xid is not null;
comment on column timeline.event_consumption.status is 'Dispatcher: the saga''s status after the transition; null for a no-op, and for transitions from before the stream.';
comment on column timeline.event_consumption.xid is 'Dispatcher: the transaction that moved the saga; null as status is.';

-- GET /v1/audit reads the newest first.
create index audit_at_idx on timeline.audit (at, id);
