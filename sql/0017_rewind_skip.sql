-- A rewind moves back only, unless a person says that messages are to be passed over.

alter table timeline.rewind_request add column skip boolean not null default false;
comment on column timeline.rewind_request.skip is 'May pass over messages that the group has not consumed.';
