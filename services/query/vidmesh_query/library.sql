-- name: video^
select v.*, array(select t.name from video_tag t where t.video_id = v.id order by t.name) as tags
from video v where v.id = :id and v.tenant = :tenant;

-- name: newest_videos
select v.*, array(select t.name from video_tag t where t.video_id = v.id order by t.name) as tags
from video v
where v.tenant = :tenant and (:videos::text[] is null or v.id = any(:videos::text[]))
    and (:language = '' or split_part(lower(v.language), '-', 1) = :language)
    and (:after::timestamptz is null or (v.created_at, v.id) < (:after::timestamptz, :after_id))
order by v.created_at desc, v.id desc limit :most;

-- name: titled_videos
select v.*, array(select t.name from video_tag t where t.video_id = v.id order by t.name) as tags
from video v
where v.tenant = :tenant and (:videos::text[] is null or v.id = any(:videos::text[]))
    and (:language = '' or split_part(lower(v.language), '-', 1) = :language)
    and (:after::text is null or (lower(v.title), v.id) > (:after::text, :after_id))
order by lower(v.title), v.id limit :most;

-- name: longest_videos
select v.*, array(select t.name from video_tag t where t.video_id = v.id order by t.name) as tags
from video v
where v.tenant = :tenant and (:videos::text[] is null or v.id = any(:videos::text[]))
    and (:language = '' or split_part(lower(v.language), '-', 1) = :language)
    and (:after::bigint is null or (coalesce(v.duration_ms, -1), v.id) < (:after::bigint, :after_id))
order by coalesce(v.duration_ms, -1) desc, v.id desc limit :most;

-- name: retitle!
update video set title = :title, titled = true where id = :id and tenant = :tenant;

-- name: file_video!
update video set folder_id = :folder_id where id = :id and tenant = :tenant;

-- name: untag!
delete from video_tag where video_id = :id and tenant = :tenant;

-- name: tag!
insert into video_tag (video_id, tenant, name)
select v.id, v.tenant, names.name from video v, unnest(:names::text[]) as names (name)
where v.id = :id and v.tenant = :tenant
on conflict do nothing;

-- name: lock_folders!
-- Moves of two folders into one another, at once, must not make a ring.
select pg_advisory_xact_lock(hashtextextended('folders/' || :tenant, 0));

-- name: folder^
select f.*, (select count(*) from video v where v.folder_id = f.id) as video_count
from folder f where f.id = :id and f.tenant = :tenant;

-- name: folders
select f.*, (select count(*) from video v where v.folder_id = f.id) as video_count
from folder f
where f.tenant = :tenant and (:after::text is null or (f.name, f.id) > (:after::text, :after_id::uuid))
order by f.name, f.id limit :most;

-- name: add_folder$
insert into folder (tenant, name, parent_id) values (:tenant, :name, :parent_id)
on conflict do nothing returning id;

-- name: named_folder$
select id from folder where tenant = :tenant and name = :name and parent_id is not distinct from :parent_id;

-- name: set_folder!
update folder set name = :name, parent_id = :parent_id where id = :id and tenant = :tenant;

-- name: is_inside$
-- Whether a folder is another one, or inside it.
with recursive above as (
    select id, parent_id from folder where id = :id and tenant = :tenant
    union all
    select f.id, f.parent_id from folder f join above on f.id = above.parent_id
)
select exists (select from above where id = :other);

-- name: folders_in
select id, name from folder where parent_id = :id and tenant = :tenant order by name;

-- name: empty_folder!
update video set folder_id = :parent_id where folder_id = :id and tenant = :tenant;

-- name: delete_folder!
delete from folder where id = :id and tenant = :tenant;

-- name: tags
select name, count(*) as video_count from video_tag
where tenant = :tenant and (:after::text is null or name > :after::text)
group by name order by name limit :most;
