-- name: lock_quota!
-- What a tenant asks for at once is counted one after the other.
select pg_advisory_xact_lock(hashtextextended('quota/' || :tenant, 0));

-- name: open_jobs$
select count(*) from job where tenant = :tenant and state in ('queued', 'running');

-- name: minutes$
select coalesce(sum(v.seconds), 0) / 60 from job j join video v on v.id = j.video_id
where j.tenant = :tenant and j.created_at > now() - interval '30 days';

-- name: stored_bytes$
select (select coalesce(sum(media_bytes), 0) from video where tenant = :tenant)
    + (select coalesce(sum(greatest(size_bytes, received)), 0) from upload u where tenant = :tenant
        and not exists (select from job where job.tenant = u.tenant and job.source = 'upload:' || u.id));
