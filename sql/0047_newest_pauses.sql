-- Of a group that is paused a saga that waits for it says since when and by whom. Without it the newest pause would be looked
-- for among all that operators ever did.
create index audit_pause_idx on timeline.audit (target, at) where action = 'group.pause';
