-- A saga's row is written again with every transition, its steps' rows once more each, while others are inserted into the same
-- pages. With a fifth of a page free, half of the new versions found no room on it under load, and each of those goes into
-- every index anew; now one in ten does. Holds for pages that are filled from now on, and locks nobody out.
alter table timeline.saga set (fillfactor = 60);
alter table timeline.saga_step set (fillfactor = 65);
