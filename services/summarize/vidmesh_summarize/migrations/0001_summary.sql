-- Summaries as they grow: what was heard of each job, its sections, its summaries, its chapters.

-- One for each job, made by the first fact of the job that arrives, in whatever order facts do.
create table job (
    job_id text primary key,
    tenant text not null,
    video_id text not null,
    accepted_at timestamptz not null,
    title text not null default '',
    priority text not null default 'normal',
    -- As the whole transcript has it; empty until then.
    language text not null default '',
    -- Seconds.
    duration double precision not null default 0,
    -- How many windows the transcript has, once it is whole.
    window_count int,
    -- How many windows were heard without a gap from the first.
    heard_through int not null default 0,
    -- The first segment that is in no section: its window and its place there.
    cut_window int not null default 0,
    cut_place int not null default 0,
    -- Whether all sections are cut.
    closed boolean not null default false,
    -- When chapters were cut, and whether without a language model.
    chaptered_at timestamptz,
    chapters_extractive boolean not null default false,
    -- Why there is no summary, and why there are no chapters; vidmesh.errors.v1.Failure.
    failure bytea,
    chapters_failure bytea,
    -- Whether the failure of this stage was told since the last run began.
    failure_told boolean not null default false
);
create index job_video on job (tenant, video_id, accepted_at desc);

create table heard (
    job_id text not null references job on delete cascade,
    index int not null,
    -- vidmesh.events.v1.WindowTranscribed without its words.
    transcribed bytea not null,
    primary key (job_id, index)
);

create table section (
    job_id text not null references job on delete cascade,
    index int not null,
    start_at double precision not null,
    end_at double precision not null,
    language text not null,
    -- Its segments, as a vidmesh.events.v1.WindowTranscribed.
    transcribed bytea not null,
    -- Its summary; null until it is written.
    text text,
    primary key (job_id, index)
);
create index section_open on section (job_id) where text is null;

create table summary (
    id uuid primary key default uuidv7(),
    job_id text not null references job on delete cascade,
    style text not null,
    length text not null,
    language text not null,
    prompt text not null,
    -- Null until it is written.
    text text,
    model text not null default '',
    extractive boolean not null default false,
    completed_at timestamptz
);
create unique index summary_brief on summary (job_id, style, length, language, md5(prompt));

create table chapter (
    job_id text not null references job on delete cascade,
    index int not null,
    start_at double precision not null,
    end_at double precision not null,
    title text not null,
    gist text not null,
    primary key (job_id, index)
);

-- Videos that are gone, so that a late fact does not bring one back.
create table deleted_video (
    tenant text not null,
    video_id text not null,
    deleted_at timestamptz not null default now(),
    primary key (tenant, video_id)
);
