-- Of the other tables, which have no tenant of their own, rows are found through their transcript.
select keep_apart(array['transcript']);
