-- name: tell!
-- Facts, each with the next number of its job; the jobs' counters stay locked until the transaction ends, in their order.
with told as (
    select * from unnest(:subjects::text[], :kinds::text[], :job_ids::text[], :payloads::bytea[])
        with ordinality as fact (subject, kind, job_id, payload, place)
), counted as (
    insert into fact_counter (job_id, last)
    select job_id, count(*) from told group by job_id order by job_id
    on conflict (job_id) do update set last = fact_counter.last + excluded.last
    returning job_id, last
)
insert into outbox (subject, kind, job_id, number, payload)
select subject, kind, job_id,
    last - count(*) over (partition by job_id) + row_number() over (partition by job_id order by place), payload
from told join counted using (job_id)
order by place;

-- name: bury!
insert into outbox (subject, kind, job_id, payload) values (:subject, :kind, :job_id, :payload);

-- name: unpublished
select id, event_id, subject, kind, job_id, number, payload, created_at
from outbox where published_at is null order by id limit :most;

-- name: mark_published!
-- A trigger has done its part; a fact is kept for a bus that loses it. The mark does not wait for the disk: where it is
-- lost, the messages go out once more.
with careless as materialized (
    select set_config('synchronous_commit', 'off', true)
), triggers as (
    delete from outbox where id = any(:ids::bigint[]) and kind = ''
)
update outbox set published_at = now() from careless where id = any(:ids::bigint[]) and kind <> '';

-- name: lead$
-- Take or keep a role; true where this holder has it now. It does not wait for the disk: a role that is lost is taken again.
with careless as materialized (
    select set_config('synchronous_commit', 'off', true)
)
insert into leadership (role, holder, until) select :role, :holder, now() + :term::interval from careless
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
-- A new bus knows nothing: publish the facts of every job that has not ended once more, and whatever was told of late,
-- which others may not have heard of yet.
update outbox set published_at = null
where published_at is not null and kind <> '' and (
    published_at > now() - interval '1 hour'
    or (number > 0 and not exists (select from job_control c where c.job_id = outbox.job_id and c.ended))
);

-- name: forget!
-- Drop what can no longer be needed: dead letters after an hour, facts and inbox entries a day after events leave the bus.
with old_facts as (
    delete from outbox where published_at < now() - case when number = 0 then interval '1 hour' else :keep::interval end
), old_inbox as (
    delete from inbox where applied_at < now() - :keep::interval
), old_answers as (
    delete from answered where created_at < now() - interval '1 day'
)
delete from job_control where ended and updated_at < now() - :keep::interval;
