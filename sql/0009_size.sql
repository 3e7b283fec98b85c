-- A saga's state is written whole with each of its transitions, so what grows with the saga lies in the rows of its steps:
-- outputs, which were there already, the stack, and the lists that an `each` runs over.

alter table timeline.saga_step add input jsonb, add result jsonb, add child jsonb, add stacked integer,
  add forgotten boolean,
  add constraint saga_step_stacked_check check (stacked >= 0);
create index saga_step_stacked_idx on timeline.saga_step (saga_id, stacked) where stacked > 0;
comment on column timeline.saga_step.input is 'Of a step that may have to be undone: what it was sent. Of an `each`: its list.';
comment on column timeline.saga_step.result is 'Of a step that may have to be undone: its result, where `output` keeps another. Of a `set` inside an item: its values.';
comment on column timeline.saga_step.child is 'Of a `saga` step on the stack: {id, ended, pivotPassed} of its child, as far as this saga knows.';
comment on column timeline.saga_step.stacked is 'Place on the stack of what is undone when the saga goes backward, the highest first; 0: it was taken off. Past the pivot, and in a saga that has ended, it says nothing.';
comment on column timeline.saga_step.forgotten is 'True: it lost a race, or its block was taken back and caught, so that no expression reads what it gave.';

-- A step that gave null has an output all the same; until now its row did not tell the two apart.
update timeline.saga_step s set output = 'null'
where s.output is null and s.status = 'succeeded' and s.saga_id in (select o.saga_id from timeline.saga_open o);
