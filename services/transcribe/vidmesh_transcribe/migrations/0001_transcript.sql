-- Transcripts as they grow: what is known of each, its windows, its segments.

-- One for each job, made by the first fact of the job that arrives, in whatever order facts do.
create table transcript (
    job_id text primary key,
    tenant text not null,
    video_id text not null,
    -- What the caller said; empty to detect it.
    asked_language text not null default '',
    -- What the first window with enough speech was heard to be; empty until then.
    language text not null default '',
    -- Who recognises; empty until it is chosen.
    engine text not null default '',
    model text not null default '',
    revision text not null default '',
    notice text not null default '',
    -- Seconds that the source says it lasts; 0 where it does not.
    announced double precision not null default 0,
    -- Seconds that it really lasts and how many windows that makes, once it is read to its end.
    duration double precision,
    window_count int,
    -- Whether captions take the place of recognition, and whether they are in.
    captions text not null default 'none' check (captions in ('none', 'waiting', 'done')),
    -- Why there will be no whole transcript, and whether this stage has told it: the source may be what failed.
    failure bytea,
    given_up boolean not null default false,
    created_at timestamptz not null default now(),
    completed_at timestamptz
);
create index transcript_video on transcript (tenant, video_id, created_at desc);

create table stretch (
    job_id text not null references transcript on delete cascade,
    index int not null,
    start_at double precision not null,
    end_at double precision not null,
    -- What was heard of it as a whole, once it is recognised.
    done boolean not null default false,
    speech double precision not null default 0,
    language text not null default '',
    probability double precision not null default 0,
    primary key (job_id, index)
);

create table segment (
    job_id text not null,
    stretch int not null,
    -- Its place within its stretch, from 0.
    place int not null,
    start_at double precision not null,
    end_at double precision not null,
    text text not null,
    language text not null,
    confidence real not null,
    no_speech real not null,
    -- A list of [start, end, text, probability].
    words jsonb not null,
    primary key (job_id, stretch, place),
    foreign key (job_id, stretch) references stretch (job_id, index) on delete cascade
);
