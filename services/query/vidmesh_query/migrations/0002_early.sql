-- What is said is found while its window is still being recognised.

-- A passage of what was heard by now: others take its place when its window is done. It is found by its words alone.
alter table passage add column early boolean not null default false;
-- Up to where early passages can be found without a gap, in milliseconds.
alter table job add column early_ms bigint not null default 0;
create index passage_early on passage (job_id) where early;

drop index passage_pending;
create index passage_pending on passage (id) where embedded_by is null and not early;

-- Segments of windows that are not done.
create table hearing (
    job_id text not null references job on delete cascade,
    window_index int not null,
    index int not null,
    -- vidmesh.events.v1.Segment
    segment bytea not null,
    primary key (job_id, window_index, index)
);

-- Videos of which more is to come, or was.
create index video_unfinished on video (tenant, created_at desc, id desc) where not searchable;
