-- name: keep$
-- True where it is news.
insert into dead_letter (id, tenant, job_id, letter, buried_at) values (:id, :tenant, :job_id, :letter, :buried_at)
on conflict (id) do nothing returning true;

-- name: letter^
select letter from dead_letter where tenant = :tenant and id = :id and gone_at is null;

-- name: list
select id, letter, buried_at from dead_letter
where tenant = :tenant and gone_at is null
  and (:job_id::text = '' or job_id = :job_id::text)
  and (:before_time::timestamptz is null or (buried_at, id) < (:before_time::timestamptz, :before_id::uuid))
order by buried_at desc, id desc
limit :most;

-- name: take
-- The letters of a job, which are gone with that.
update dead_letter set gone_at = now() where tenant = :tenant and job_id = :job_id and gone_at is null returning letter;

-- name: drop$
update dead_letter set gone_at = now() where tenant = :tenant and id = :id and gone_at is null returning true;

-- name: forget!
delete from dead_letter where coalesce(gone_at, buried_at) < now() - :keep::interval;

-- name: open$
-- How many wait for somebody to look at them, of all tenants.
select count(*) from dead_letter where gone_at is null;
