-- Each message is consumed once by each group and most by one group: a key that begins with the message says who has consumed
-- it as well as the index that did nothing else. New rows go to its end; in a key that begins with the group every group has a
-- place of its own in the middle, whose pages split in halves. Takes some seconds for each million rows.
alter table timeline.event_consumption
  drop constraint event_consumption_pkey,
  add constraint event_consumption_pkey primary key (message_id, consumer_group);
drop index timeline.event_consumption_message_id_idx;

-- Most sagas have no labels, and a GIN index has an entry for each of them too.
drop index timeline.saga_labels_idx;
create index saga_labels_idx on timeline.saga using gin (labels jsonb_path_ops) where labels <> '{}';

-- Nothing asks for a saga's guards by this column: a step's key begins with its saga's id, and the primary key finds them by it.
drop index timeline.step_guard_saga_id_idx;
