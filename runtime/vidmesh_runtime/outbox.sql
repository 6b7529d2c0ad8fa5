-- name: next_number$
-- The number of a job's next fact; the row stays locked until the transaction ends.
insert into fact_counter (job_id, last) values (:job_id, 1)
on conflict (job_id) do update set last = fact_counter.last + 1
returning last;

-- name: add!
insert into outbox (subject, kind, job_id, number, payload) values (:subject, :kind, :job_id, :number, :payload);

-- name: unpublished
select id, event_id, subject, kind, job_id, number, payload, created_at
from outbox where published_at is null order by id limit :most;

-- name: mark_published!
update outbox set published_at = now() where id = any(:ids::bigint[]);

-- name: lead$
-- Take or keep a role; true where this holder has it now.
insert into leadership (role, holder, until) values (:role, :holder, now() + :term::interval)
on conflict (role) do update set holder = excluded.holder, until = excluded.until
    where leadership.holder = excluded.holder or leadership.until < now()
returning true;

-- name: resign!
delete from leadership where role = :role and holder = :holder;

-- name: known_bus$
select born from bus;

-- name: know_bus!
insert into bus (born) values (:born) on conflict (only_row) do update set born = excluded.born;

-- name: refill!
-- A new bus knows nothing: publish the facts of every job that has not ended once more.
update outbox set published_at = null
where published_at is not null and number > 0
  and not exists (select from job_control c where c.job_id = outbox.job_id and c.ended);

-- name: forget!
-- Drop what can no longer be needed: triggers after an hour, facts and inbox entries a day after events leave the bus.
with old_facts as (
    delete from outbox where published_at < now() - case when number = 0 then interval '1 hour' else :keep::interval end
), old_inbox as (
    delete from inbox where applied_at < now() - :keep::interval
), old_answers as (
    delete from answered where created_at < now() - interval '1 day'
)
delete from job_control where ended and updated_at < now() - :keep::interval;
