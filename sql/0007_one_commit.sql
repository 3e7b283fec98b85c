-- What a transaction ends with is sent together with its commit, so nobody looks at its result first: the database itself
-- refuses a batch that could not be ended as a whole.

create function timeline.close_batch(p_consumer_group text, p_rows jsonb, p_consumer text, p_answers integer)
returns table (message_id text, requested_at text, xid text, body text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  v_written bigint;
begin
  return query
  select c.message_id, c.requested_at, c.xid, c.body from timeline.close_batch(p_consumer_group, p_rows, p_consumer) c;
  get diagnostics v_written = row_count;
  if v_written is distinct from p_answers then
    raise exception '% answers were due, % were written', p_answers, v_written using errcode = '55000',
      hint = 'A command of the batch was taken meanwhile, or its step has moved: open it again.';
  end if;
end $$;
comment on function timeline.close_batch(text, jsonb, text, integer) is 'As `close_batch` without a number of answers, and fails (55000) when another number of them was written.';
revoke execute on function timeline.close_batch(text, jsonb, text, integer) from public;
