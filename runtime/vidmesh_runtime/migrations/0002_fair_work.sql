-- Fair work: what waits is taken by rank, then round robin by tenant, within a tenant by job, within a job in order.
--
-- It is start-time fair queuing in two levels. A row that waits has a slot, its tenant's place in the rank's order, and a
-- turn, its job's place in the tenant's. A tenant's slots and a job's turns follow one another; one that had nothing waiting
-- joins at the head, so it can neither be held up by a long queue nor catch up on what it did not ask for. A claim gives the
-- least slot of the rank to the least turn of the slot's tenant. Each step is one descent of an index, however much waits.
alter table work add column slot bigint, add column turn bigint;

drop index work_ready;
drop index work_job;
create index work_job on work (job_id, rank, turn);
create index work_slot on work (rank, slot, id) where slot is not null;
create index work_tenant_slot on work (rank, tenant, slot) where slot is not null;
create index work_tenant_turn on work (rank, tenant, turn, id) where slot is not null;
create index work_delayed on work (due_at) where state = 'ready' and slot is null;

create function work_waits() returns trigger language plpgsql as $$
declare
    first bigint;
begin
    first := (select turn from work where slot is not null and rank = new.rank and tenant = new.tenant order by turn limit 1);
    new.turn := case
        when new.turn is not null then new.turn
        when tg_op = 'INSERT' or old.state in ('failed', 'cancelled') then greatest(0, first, 1 + (
            select turn from work where job_id = new.job_id and rank = new.rank and turn is not null order by turn desc limit 1
        ))
        -- It was taken once, or had to wait for its time: it joins the tenant's present round.
        else coalesce(first, 0)
    end;
    new.slot := greatest(
        0,
        (select slot from work where slot is not null and rank = new.rank order by slot limit 1),
        -- Without a first turn the tenant has nothing waiting, and no slot to go on after.
        case when first is not null then 1 + (
            select slot from work where slot is not null and rank = new.rank and tenant = new.tenant order by slot desc limit 1
        ) end
    );
    return new;
end $$;

-- Whatever becomes ready and is due gets its place, whoever made it so.
create trigger work_waits before insert or update on work for each row
when (new.state = 'ready' and new.slot is null and new.due_at <= now()) execute function work_waits();

-- Lease at most so many pieces of work that wait to the caller. The claim does not wait for the disk: where Postgres dies
-- before it is there, the work waits again, and the lease that nobody knows of any more can complete nothing.
--
-- A plan is kept from when the table was short, so what must not be chosen when it is long is ruled out.
create function claim_work(most int, term interval, attempts int) returns setof work language plpgsql
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
        select id from work where state = 'ready' and slot is null and due_at <= now()
        order by due_at limit most + 100 for update skip locked
    ));
    update work set state = 'ready', lease_token = null, lease_until = null where id = any(array(
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
create function retry_work(job text) returns setof work language plpgsql as $$
declare
    again uuid;
begin
    for again in select id from work where job_id = job and state in ('failed', 'cancelled') order by id for update loop
        return query update work set state = 'ready', attempt = 0, due_at = now(), lease_token = null, lease_until = null,
            failure = null, ended_at = null
        where id = again returning *;
    end loop;
end $$;

update work set due_at = due_at where state = 'ready' and due_at <= now();
