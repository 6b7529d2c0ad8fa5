-- What ingest owns: videos, their jobs with the state of each stage, the windows that were cut, and uploads.

-- A source, once for each tenant.
create table video (
    id uuid primary key default uuidv7(),
    tenant text not null,
    title text not null default '',
    -- How long it is, in seconds; null until known.
    seconds double precision,
    -- Where the source is in the media store; empty until kept.
    media_key text not null default '',
    media_type text not null default '',
    created_at timestamptz not null default now()
);

-- By what a source is known again: several keys may lead to one video.
create table source_key (
    tenant text not null,
    key text not null,
    video_id uuid not null references video on delete cascade,
    primary key (tenant, key)
);
create index source_key_video on source_key (video_id);

create table job (
    id uuid primary key default uuidv7(),
    tenant text not null,
    video_id uuid not null references video on delete cascade,
    source text not null,
    -- The caller's own title; empty to take the source's.
    title text not null default '',
    state text not null default 'queued'
        check (state in ('queued', 'running', 'succeeded', 'partial', 'failed', 'cancelled')),
    captions int not null,
    language text not null,
    priority int not null,
    run int not null default 1,
    notices text[] not null default '{}',
    -- A serialised vidmesh.errors.v1.Failure.
    failure bytea,
    -- Whether source_opened was told.
    opened boolean not null default false,
    created_at timestamptz not null default now(),
    -- When the present run began: what failed before counts no more.
    run_at timestamptz not null default now(),
    ended_at timestamptz,
    -- The number of the fact that ended the present run; null until then.
    ended_number bigint
);
create index job_newest on job (tenant, created_at desc, id desc);
create index job_video on job (video_id, created_at desc);

create table job_stage (
    job_id uuid not null references job on delete cascade,
    stage text not null check (stage in ('ingest', 'transcribe', 'summarize', 'index')),
    state text not null default 'waiting'
        check (state in ('waiting', 'running', 'succeeded', 'failed', 'cancelled')),
    failure bytea,
    -- The kinds of facts seen of a stage that is done only when several were.
    seen text[] not null default '{}',
    started_at timestamptz,
    ended_at timestamptz,
    primary key (job_id, stage)
);

-- The windows that were cut and told, so that a second attempt goes on after the last of them.
create table window_cut (
    job_id uuid not null references job on delete cascade,
    index int not null,
    -- In samples from the start of the video.
    start_sample bigint not null,
    end_sample bigint not null,
    primary key (job_id, index)
);

create table upload (
    id uuid primary key default uuidv7(),
    tenant text not null,
    filename text not null,
    -- How many bytes were announced; 0 where that was not known.
    size_bytes bigint not null,
    received bigint not null default 0,
    -- In hexadecimal; empty until the upload is complete.
    sha256 text not null default '',
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index upload_expires on upload (expires_at);

-- Sites that asked to be left alone.
create table host_pause (
    host text primary key,
    until timestamptz not null
);
