-- The library, what is heard of each job, and the passages that are searched.

-- The text search configuration of a language (the first part of a BCP 47 tag): "simple" where Postgres has no stemmer for it.
create function search_config(language text) returns regconfig language sql immutable parallel safe
return case split_part(lower(language), '-', 1)
    when 'ar' then 'pg_catalog.arabic'::regconfig
    when 'hy' then 'pg_catalog.armenian'::regconfig
    when 'eu' then 'pg_catalog.basque'::regconfig
    when 'ca' then 'pg_catalog.catalan'::regconfig
    when 'da' then 'pg_catalog.danish'::regconfig
    when 'nl' then 'pg_catalog.dutch'::regconfig
    when 'en' then 'pg_catalog.english'::regconfig
    when 'et' then 'pg_catalog.estonian'::regconfig
    when 'fi' then 'pg_catalog.finnish'::regconfig
    when 'fr' then 'pg_catalog.french'::regconfig
    when 'de' then 'pg_catalog.german'::regconfig
    when 'el' then 'pg_catalog.greek'::regconfig
    when 'hi' then 'pg_catalog.hindi'::regconfig
    when 'hu' then 'pg_catalog.hungarian'::regconfig
    when 'id' then 'pg_catalog.indonesian'::regconfig
    when 'ga' then 'pg_catalog.irish'::regconfig
    when 'it' then 'pg_catalog.italian'::regconfig
    when 'lt' then 'pg_catalog.lithuanian'::regconfig
    when 'ne' then 'pg_catalog.nepali'::regconfig
    when 'no' then 'pg_catalog.norwegian'::regconfig
    when 'nb' then 'pg_catalog.norwegian'::regconfig
    when 'nn' then 'pg_catalog.norwegian'::regconfig
    when 'pt' then 'pg_catalog.portuguese'::regconfig
    when 'ro' then 'pg_catalog.romanian'::regconfig
    when 'ru' then 'pg_catalog.russian'::regconfig
    when 'sr' then 'pg_catalog.serbian'::regconfig
    when 'es' then 'pg_catalog.spanish'::regconfig
    when 'sv' then 'pg_catalog.swedish'::regconfig
    when 'ta' then 'pg_catalog.tamil'::regconfig
    when 'tr' then 'pg_catalog.turkish'::regconfig
    when 'yi' then 'pg_catalog.yiddish'::regconfig
    else 'pg_catalog.simple'::regconfig
end;

-- A text as the parser of full text search takes it: scripts that put no blanks between words, a character a word.
create function searchable(body text) returns text language sql immutable parallel safe
return regexp_replace(body, '([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])', ' \1 ', 'g');

create table folder (
    id uuid primary key default uuidv7(),
    tenant text not null,
    name text not null,
    parent_id uuid references folder,
    created_at timestamptz not null default now(),
    unique nulls not distinct (tenant, parent_id, name)
);
create index folder_parent on folder (parent_id);

create table video (
    id text primary key,
    tenant text not null,
    title text not null default '',
    -- Whether a person gave the title, so that the source's does not replace it.
    titled boolean not null default false,
    author text not null default '',
    page_url text not null default '',
    duration_ms bigint,
    language text not null default '',
    folder_id uuid references folder,
    summary text not null default '',
    -- The job that the summary is of.
    summary_job text not null default '',
    -- The newest job.
    job_id text not null default '',
    job_accepted_at timestamptz,
    -- The job whose passages are searched: the newest one only once it is whole, where an earlier one was there.
    shown_job text not null default '',
    passage_count int not null default 0,
    indexed_ms bigint not null default 0,
    searchable boolean not null default false,
    created_at timestamptz not null
);
create index video_newest on video (tenant, created_at desc, id desc);
create index video_title on video (tenant, lower(title), id);
create index video_longest on video (tenant, (coalesce(duration_ms, -1)) desc, id desc);
create index video_folder on video (folder_id);

-- Videos that are gone: a late fact about one must not bring it back.
create table deleted_video (
    id text primary key,
    deleted_at timestamptz not null default now()
);

create table video_tag (
    video_id text not null references video on delete cascade,
    tenant text not null,
    name text not null,
    primary key (video_id, name)
);
create index video_tag_name on video_tag (tenant, name);

-- How far each job's transcript is cut to passages.
create table job (
    id text primary key,
    tenant text not null,
    video_id text not null references video on delete cascade,
    priority text not null default 'normal',
    -- The first segment that no passage has yet: window, place in it, piece.
    next_window int not null default 0,
    next_segment int not null default 0,
    next_piece int not null default 0,
    -- How many windows the transcript has; null until that is known.
    window_count int,
    -- Whether no more is to be expected, whole or not.
    cut_short boolean not null default false,
    passage_count int not null default 0,
    through_ms bigint not null default 0,
    completed boolean not null default false,
    failed boolean not null default false
);
create index job_video on job (video_id);

-- Windows as they were heard, kept until all passages are cut.
create table heard (
    job_id text not null references job on delete cascade,
    index int not null,
    -- vidmesh.events.v1.WindowTranscribed
    message bytea not null,
    primary key (job_id, index)
);

create table passage (
    id uuid primary key,
    tenant text not null,
    video_id text not null references video on delete cascade,
    job_id text not null,
    start_ms bigint not null,
    end_ms bigint not null,
    language text not null,
    text text not null,
    segments jsonb not null,
    -- The collection of vectors that holds it; null: none yet.
    embedded_by text,
    scope text[] not null generated always as (array[tenant, video_id]) stored,
    fulltext tsvector not null generated always as (to_tsvector(search_config(language), searchable(text))) stored
);
-- Tenant and words in one index, without an extension: both are keys of one GIN.
create index passage_search on passage using gin (scope, fulltext);
create index passage_video on passage (video_id, job_id, start_ms);
create index passage_pending on passage (id) where embedded_by is null;

-- The languages that a tenant's passages are in: a query is read once for each.
create table spoken (
    tenant text not null,
    language text not null,
    primary key (tenant, language)
);

-- What the index of vectors has yet to forget.
create table forgotten (
    id bigint generated always as identity primary key,
    tenant text not null,
    video_id text not null,
    -- Empty: all of the video.
    job_id text not null default ''
);

create table conversation (
    id uuid primary key default uuidv7(),
    tenant text not null,
    title text not null,
    -- vidmesh.query.v1.Scope
    scope bytea not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index conversation_recent on conversation (tenant, updated_at desc, id desc);

create table exchange (
    id bigint generated always as identity primary key,
    conversation_id uuid not null references conversation on delete cascade,
    tenant text not null,
    question text not null,
    -- vidmesh.query.v1.Retrieved and Answer
    retrieved bytea not null,
    answer bytea not null,
    -- The request that asked, so that a repeat gets the same answer.
    request_id text not null default '',
    digest bytea not null default '',
    asked_at timestamptz not null default now()
);
create index exchange_conversation on exchange (conversation_id, id);
create unique index exchange_request on exchange (tenant, request_id) where request_id <> '';
