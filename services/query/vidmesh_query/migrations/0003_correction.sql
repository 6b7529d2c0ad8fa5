-- What people corrected. Passages have it from when they are made.

create table correction (
    job_id text not null references job on delete cascade,
    window_index int not null,
    -- The segment's place in its window.
    place int not null,
    -- The fact's number: of several corrections of a segment, the last one counts.
    number bigint not null,
    -- vidmesh.events.v1.Segment
    segment bytea not null,
    primary key (job_id, window_index, place)
);
