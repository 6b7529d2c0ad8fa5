-- Of the other tables, which have no tenant of their own, rows are found through their job.
select keep_apart(array['job', 'deleted_video']);
