-- name: begin!
insert into step (job_id) values (:job_id);

-- name: finish!
insert into step (job_id, done_at) select job_id, now() from unnest(:job_ids::text[]) as held (job_id)
on conflict (job_id) do update set done_at = now();
