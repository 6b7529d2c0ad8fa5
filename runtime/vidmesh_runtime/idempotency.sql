-- name: lock$
select pg_advisory_xact_lock(hashtextextended(:name, 0));

-- name: kept^
select digest, response from answered where tenant = :tenant and method = :method and request_id = :request_id;

-- name: keep!
insert into answered (tenant, method, request_id, digest, response)
values (:tenant, :method, :request_id, :digest, :response);
