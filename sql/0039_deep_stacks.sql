-- Every step that may have to be undone had an entry in this index, and hardly a saga has so many that the primary key would
-- not find the highest of them as fast. Only deep stacks stand in it now.
drop index timeline.saga_step_stacked_idx;
create index saga_step_stacked_idx on timeline.saga_step (saga_id, stacked) where stacked > 32;
