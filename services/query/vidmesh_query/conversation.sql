-- name: begin^
insert into conversation (tenant, title, scope) values (:tenant, :title, :scope) returning *;

-- name: conversation^
select * from conversation where id = :id and tenant = :tenant;

-- name: conversations
select * from conversation
where tenant = :tenant
    and (:after::timestamptz is null or (updated_at, id) < (:after::timestamptz, :after_id::uuid))
order by updated_at desc, id desc limit :most;

-- name: last_exchanges
select * from (
    select id, question, answer, asked_at from exchange
    where conversation_id = :id and tenant = :tenant order by id desc limit :most
) last order by id;

-- name: add_exchange!
with asked as (
    insert into exchange (conversation_id, tenant, question, retrieved, answer, request_id, digest)
    values (:id, :tenant, :question, :retrieved, :answer, :request_id, :digest)
    on conflict do nothing
)
update conversation set updated_at = now() where id = :id and tenant = :tenant;

-- name: answered^
select digest, retrieved, answer from exchange where tenant = :tenant and request_id = :request_id;

-- name: delete$
delete from conversation where id = :id and tenant = :tenant returning true;
