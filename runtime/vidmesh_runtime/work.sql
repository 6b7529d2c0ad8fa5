-- name: add
-- The pieces of work that were not known before, by kind and key, with a trigger for those of a rank in the outbox.
with added as (
    insert into work (kind, key, tenant, job_id, video_id, rank, payload, due_at, state)
    select kind, key, tenant, job_id, video_id, rank, payload, now() + delay,
        case when exists (select from job_control c where c.job_id = piece.job_id and c.cancelled) then 'cancelled' else 'ready' end
    from unnest(
        :kinds::text[], :keys::text[], :tenants::text[], :job_ids::text[], :video_ids::text[],
        :ranks::smallint[], :payloads::bytea[], :delays::interval[]
    ) with ordinality as piece (kind, key, tenant, job_id, video_id, rank, payload, delay, place)
    order by place
    on conflict (kind, key) do nothing
    returning id, kind, key, rank, state
), triggers as (
    insert into outbox (subject, kind, payload)
    select (:subjects::text[])[rank + 1], '', convert_to(count(*)::text, 'UTF8')
    from added where state = 'ready' group by rank
)
select kind, key from added;

-- name: claim
-- The pieces of work that come next, leased, with whether their job was cancelled meanwhile. Work whose lease ran out is due
-- again.
select id, kind, key, tenant, job_id, video_id, rank, payload, attempt, spared, lease_token,
    exists (select from job_control c where c.job_id = claimed.job_id and c.cancelled) as cancelled
from claim_work(:most, :lease::interval, :attempts) claimed;

-- name: claim_alone
-- The piece of work that has waited longest to be done with nothing else in hand, leased.
update work set state = 'leased', attempt = attempt + 1, lease_token = gen_random_uuid(), lease_until = now() + :lease::interval
where id = (
    select id from work where state = 'ready' and alone and due_at <= now() order by due_at limit 1 for update skip locked
)
returning id, kind, key, tenant, job_id, video_id, rank, payload, attempt, spared, lease_token,
    exists (select from job_control c where c.job_id = work.job_id and c.cancelled) as cancelled;

-- name: any_alone$
select exists (select from work where state = 'ready' and alone and due_at <= now());

-- name: renew$
update work set lease_until = now() + :lease::interval
where id = :id and lease_token = :token and state = 'leased'
  and not exists (select from job_control c where c.job_id = work.job_id and c.cancelled)
returning true;

-- name: progress$
-- True where the lease holds; then nobody else gets it before the transaction ends, and attempts count from here.
update work set attempt = 1, spared = 0, alone = false where id = :id and lease_token = :token and state = 'leased' returning true;

-- name: complete
-- Those whose lease still holds.
update work set state = 'done', ended_at = now(), lease_until = null
from unnest(:ids::uuid[], :tokens::uuid[]) as held (id, token)
where work.id = held.id and work.lease_token = held.token and work.state = 'leased'
returning work.id;

-- name: postpone$
-- True where the lease holds and an attempt is left. When it is due, it joins the tenant's present round.
update work set state = 'ready', due_at = now() + :delay::interval, lease_token = null, lease_until = null, failure = :failure
where id = :id and lease_token = :token and state = 'leased' and attempt < :attempts
returning true;

-- name: spare$
-- True where the lease holds and the work was not spared so often before: this attempt does not count.
update work set state = 'ready', attempt = attempt - 1, spared = spared + 1, due_at = now() + :delay::interval,
    lease_token = null, lease_until = null
where id = :id and lease_token = :token and state = 'leased' and spared < :most
returning true;

-- name: hand_back$
-- As if it had never been claimed: it joins the tenant's present round.
update work set state = 'ready', attempt = attempt - 1, lease_token = null, lease_until = null
where id = :id and lease_token = :token and state = 'leased'
returning true;

-- name: give_up$
update work set state = 'failed', ended_at = now(), lease_until = null, failure = :failure
where id = :id and lease_token = :token and state = 'leased'
returning true;

-- name: abandoned
-- Work whose lease ran out on its last attempt: its worker died each time.
select id, kind, key, tenant, job_id, video_id, rank, payload, attempt, spared, lease_token
from work where state = 'leased' and lease_until < now() and attempt >= :attempts
limit 100;

-- name: cancel_job!
update work set state = 'cancelled', slot = null, turn = null, ended_at = now(), lease_until = null
where job_id = :job_id and state in ('ready', 'leased');

-- name: drop_job!
delete from work where job_id = :job_id;

-- name: retry_job
-- The pieces of work that wait again, in the order in which they were added, with a trigger for those of a rank in the outbox.
with again as (
    select id, rank from retry_work(:job_id)
), triggers as (
    insert into outbox (subject, kind, payload)
    select (:subjects::text[])[rank + 1], '', convert_to(count(*)::text, 'UTF8') from again group by rank
)
select id from again;

-- name: retry_piece
with again as (
    update work set state = 'ready', attempt = 0, spared = 0, alone = false, due_at = now(), lease_token = null, lease_until = null,
        failure = null, ended_at = null
    where kind = :kind and key = :key and state = 'failed' returning id, rank
), triggers as (
    insert into outbox (subject, kind, payload)
    select (:subjects::text[])[rank + 1], '', convert_to('1', 'UTF8') from again
)
select id from again;

-- name: overdue$
-- How many pieces of work nobody does, though a trigger should have brought a worker, counted up to :most.
select count(*) from (
    select from work where slot is not null and due_at <= now() - interval '2 seconds'
    union all
    select from work where state = 'ready' and slot is null and not alone and due_at <= now() - interval '2 seconds'
    union all
    select from work where state = 'leased' and lease_until < now() and attempt < :attempts
    limit :most
) pieces;
