-- Deadlines are timers as well, one or more of every open saga; those that wait for their next attempt are found beside them.
create index timer_retry_idx on timeline.timer (saga_id) where name like 'retry:%';
