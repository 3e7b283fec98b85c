-- Why a rebuild failed may quote what stands in the events; who may not read payloads is told its code alone.
alter table timeline.projection_rebuild add column code text;
comment on column timeline.projection_rebuild.code is 'Kind of what failed: sql_<SQLSTATE>, exception, or the code of a refusal; null: it has not failed, or before there were codes.';
comment on column timeline.projection_rebuild.problem is 'Why it could not be done, what stands in the events masked; the read model is as it was.';
