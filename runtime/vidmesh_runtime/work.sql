-- name: add$
-- The new row's id; nothing where the piece of work is known.
insert into work (kind, key, tenant, job_id, video_id, rank, payload, due_at, state)
values (:kind, :key, :tenant, :job_id, :video_id, :rank, :payload, now() + :delay::interval,
    case when exists (select from job_control where job_id = :job_id and cancelled) then 'cancelled' else 'ready' end)
on conflict (kind, key) do nothing
returning id;

-- name: claim^
-- The most urgent piece of work that is due, leased. Work whose lease ran out is due again.
with ready as (
    select id, rank, due_at from work where state = 'ready' and due_at <= now()
    order by rank, due_at limit 1 for update skip locked
), expired as (
    select id, rank, due_at from work where state = 'leased' and lease_until < now() and attempt < :attempts
    order by lease_until limit 1 for update skip locked
)
update work set state = 'leased', attempt = attempt + 1, lease_token = gen_random_uuid(), lease_until = now() + :lease::interval
where id = (select id from (select * from ready union all select * from expired) candidates order by rank, due_at limit 1)
returning id, kind, key, tenant, job_id, video_id, rank, payload, attempt, lease_token;

-- name: renew$
update work set lease_until = now() + :lease::interval
where id = :id and lease_token = :token and state = 'leased'
returning true;

-- name: complete$
update work set state = 'done', ended_at = now(), lease_until = null
where id = :id and lease_token = :token and state = 'leased'
returning true;

-- name: postpone$
update work set state = 'ready', due_at = now() + :delay::interval, lease_token = null, lease_until = null, failure = :failure
where id = :id and lease_token = :token and state = 'leased'
returning true;

-- name: hand_back$
-- As if it had never been claimed.
update work set state = 'ready', attempt = attempt - 1, lease_token = null, lease_until = null
where id = :id and lease_token = :token and state = 'leased'
returning true;

-- name: give_up$
update work set state = 'failed', ended_at = now(), lease_until = null, failure = :failure
where id = :id and lease_token = :token and state = 'leased'
returning true;

-- name: abandoned
-- Work whose lease ran out on its last attempt: its worker died each time.
select id, kind, key, tenant, job_id, video_id, rank, payload, attempt, lease_token
from work where state = 'leased' and lease_until < now() and attempt >= :attempts
limit 100;

-- name: cancel_job!
update work set state = 'cancelled', ended_at = now(), lease_until = null
where job_id = :job_id and state in ('ready', 'leased');

-- name: drop_job!
delete from work where job_id = :job_id;

-- name: retry_job
update work set state = 'ready', attempt = 0, due_at = now(), lease_token = null, lease_until = null, failure = null, ended_at = null
where job_id = :job_id and state in ('failed', 'cancelled')
returning id, rank;

-- name: due$
-- How many pieces of work have a worker or need one.
select count(*) from (
    select from work where state = 'ready' and due_at <= now() - interval '2 seconds'
    union all
    select from work where state = 'leased'
    limit :most
) pieces;
