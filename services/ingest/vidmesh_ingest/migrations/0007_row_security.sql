-- Of job_stage and window_cut, which have no tenant of their own, rows are found through their job.
select keep_apart(array['video', 'source_key', 'job', 'upload', 'dead_letter', 'api_key']);
