-- name: pending
select id, tenant, video_id, job_id, text from passage
where embedded_by is null and not early order by id limit :most;

-- name: mark_embedded!
-- But those that say something else by now.
update passage p set embedded_by = :name
from unnest(:ids::uuid[], :texts::text[]) as embedded (id, text)
where p.id = embedded.id and p.text = embedded.text;

-- name: unmark!
update passage set embedded_by = null where id = any(:ids::uuid[]);

-- name: unmark_others!
-- Passages whose vectors another model made.
update passage set embedded_by = null where embedded_by <> :name;

-- name: held$
select count(*) from passage where embedded_by = :name;

-- name: held_after
select id from passage where embedded_by = :name and id > :after order by id limit :most;

-- name: forgotten
select id, tenant, video_id, job_id from forgotten order by id limit 100;

-- name: forgot!
delete from forgotten where id = :id;

-- name: unmark_all$
-- Of a tenant, or of all where it is null.
with unmarked as (
    update passage set embedded_by = null
    where not early and (:tenant::text is null or tenant = :tenant::text) returning 1
)
select count(*) from unmarked;

-- name: progress^
select count(*) as passages, count(embedded_by) as embedded from passage where tenant = :tenant and not early;

-- name: known
select id from passage where id = any(:ids::uuid[]);
