-- Two kinds of attempts are not the work's own fault. One that ended because the database or the bus was away counts as
-- spared, up to a bound. One that its worker did not survive may be a neighbour's fault: the last attempt is made alone, by a
-- worker that has nothing else in hand, so whatever is given up for killing its workers has killed one by itself.
alter table work add column spared smallint not null default 0, add column alone boolean not null default false;

-- What is to be done alone waits outside of the fair order.
create index work_alone on work (due_at) where state = 'ready' and alone;
drop index work_delayed;
create index work_delayed on work (due_at) where state = 'ready' and slot is null and not alone;
drop trigger work_waits on work;
create trigger work_waits before insert or update on work for each row
when (new.state = 'ready' and new.slot is null and new.due_at <= now() and not new.alone) execute function work_waits();

-- Lease at most so many pieces of work that wait to the caller. The claim does not wait for the disk: where Postgres dies
-- before it is there, the work waits again, and the lease that nobody knows of any more can complete nothing.
--
-- A plan is kept from when the table was short, so what must not be chosen when it is long is ruled out.
create or replace function claim_work(most int, term interval, attempts int) returns setof work language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
declare
    head record;
    chosen record;
    taken work;
    left_over int := most;
    given int;
begin
    perform set_config('synchronous_commit', 'off', true);
    -- What was to be tried again later and is due by now, and what its worker has let go of.
    update work set due_at = due_at where id = any(array(
        select id from work where state = 'ready' and slot is null and not alone and due_at <= now()
        order by due_at limit most + 100 for update skip locked
    ));
    update work set state = 'ready', alone = attempt + 1 >= attempts, lease_token = null, lease_until = null where id = any(array(
        select id from work where state = 'leased' and lease_until < now() and attempt < attempts
        order by lease_until limit most for update skip locked
    ));
    while left_over > 0 loop
        select id, rank, tenant, slot into head from work where slot is not null
        order by rank, slot, id limit 1 for update skip locked;
        exit when not found;
        if not exists (select from work where slot is not null and rank = head.rank and tenant < head.tenant)
            and not exists (select from work where slot is not null and rank = head.rank and tenant > head.tenant)
        then
            -- Nobody to be fair to: a tenant that waits alone gets all at once, in its own order. Its rows that go on waiting
            -- keep the later slots, as if these had been given out one by one.
            return query with called as materialized (
                select work.id, work.slot, work.turn from work
                where work.slot is not null and work.rank = head.rank and work.tenant = head.tenant
                order by work.turn, work.id limit left_over for update skip locked
            ), foremost as materialized (
                select work.id, work.slot from work
                where work.slot is not null and work.rank = head.rank and work.tenant = head.tenant
                order by work.slot, work.id limit left_over for update skip locked
            ), waiting as (
                select foremost.id, row_number() over (order by foremost.slot) as place
                from foremost where not exists (select from called where called.id = foremost.id)
            ), freed as (
                select called.slot, row_number() over (order by called.slot) as place
                from called where not exists (select from foremost where foremost.id = called.id)
            ), moved as (
                update work set slot = freed.slot from waiting join freed using (place) where work.id = waiting.id
            ), leased as (
                update work set state = 'leased', slot = null, turn = null, attempt = work.attempt + 1,
                    lease_token = gen_random_uuid(), lease_until = now() + term
                from called where work.id = called.id returning work.*
            )
            select leased.* from leased join called on called.id = leased.id order by called.turn, called.id;
            get diagnostics given = row_count;
            exit when given = 0;
            left_over := left_over - given;
            continue;
        end if;
        select id, slot into chosen from work where slot is not null and rank = head.rank and tenant = head.tenant
        order by turn, id limit 1 for update skip locked;
        if chosen.id <> head.id then
            update work set slot = chosen.slot where id = head.id;
        end if;
        update work set state = 'leased', slot = null, turn = null, attempt = work.attempt + 1,
            lease_token = gen_random_uuid(), lease_until = now() + term
        where id = chosen.id returning * into taken;
        return next taken;
        left_over := left_over - 1;
        -- Rows that were added side by side, unseen by each other, may share a slot; a tenant is served once in each.
        update work set slot = null where id = any(array(
            select id from work where slot is not null and rank = head.rank and tenant = head.tenant and slot <= head.slot
            order by slot limit 100 for update skip locked
        ));
    end loop;
end $$;

-- Make a job's failed and cancelled work ready again, in the order in which it was added.
create or replace function retry_work(job text) returns setof work language plpgsql as $$
declare
    again uuid;
begin
    for again in select id from work where job_id = job and state in ('failed', 'cancelled') order by id for update loop
        return query update work set state = 'ready', attempt = 0, spared = 0, alone = false, due_at = now(),
            lease_token = null, lease_until = null, failure = null, ended_at = null
        where id = again returning *;
    end loop;
end $$;
