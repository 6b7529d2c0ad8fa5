-- name: count$
select count(*) from api_key where tenant = :tenant;

-- name: create^
insert into api_key (id, tenant, name, scopes, digest, expires_at)
values (:id, :tenant, :name, :scopes, :digest, now() + :ttl::interval)
returning *;

-- name: list
select * from api_key where tenant = :tenant order by created_at desc, id;

-- name: revoke^
update api_key set revoked_at = coalesce(revoked_at, now()) where tenant = :tenant and id = :id returning *;

-- name: valid^
select * from api_key
where id = :id and revoked_at is null and (expires_at is null or expires_at > now());

-- name: use!
-- To the minute: a busy key is not written at each call.
update api_key set used_at = now() where id = :id and (used_at is null or used_at < now() - interval '1 minute');

-- name: forget!
delete from api_key where least(revoked_at, expires_at) < now() - :keep::interval;
