-- name: pending
select id, tenant, video_id, job_id, text from passage
where embedded_by is null and not early order by id limit :most;

-- name: mark_embedded!
update passage set embedded_by = :name where id = any(:ids::uuid[]);

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
with unmarked as (update passage set embedded_by = null where not early returning 1) select count(*) from unmarked;
