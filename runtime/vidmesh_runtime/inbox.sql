-- name: receive
-- The facts that were not applied before.
insert into inbox (event_id) select unnest(:event_ids::uuid[]) on conflict do nothing returning event_id;

-- name: cancel_job$
-- True where this is news: facts of a job may arrive out of order, the numbers say which is later.
insert into job_control (job_id, cancelled, number) values (:job_id, true, :number)
on conflict (job_id) do update set cancelled = true, number = excluded.number, updated_at = now()
    where job_control.number < excluded.number
returning true;

-- name: reopen_job$
insert into job_control (job_id, cancelled, number) values (:job_id, false, :number)
on conflict (job_id) do update set cancelled = false, ended = false, number = excluded.number, updated_at = now()
    where job_control.number < excluded.number
returning true;

-- name: end_job$
insert into job_control (job_id, ended, number) values (:job_id, true, :number)
on conflict (job_id) do update set ended = true, number = excluded.number, updated_at = now()
    where job_control.number < excluded.number
returning true;
