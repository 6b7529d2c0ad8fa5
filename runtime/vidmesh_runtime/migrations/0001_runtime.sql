-- What moves a job on: facts going out, facts that came in, work, and what is known of each job.

-- The outbox: facts and triggers, written in the transaction that made them true and published after it.
create table outbox (
    id bigint generated always as identity primary key,
    event_id uuid not null default uuidv7(),
    subject text not null,
    kind text not null,
    job_id text not null default '',
    number bigint not null default 0,
    payload bytea not null,
    created_at timestamptz not null default now(),
    published_at timestamptz
);
create index outbox_unpublished on outbox (id) where published_at is null;
create index outbox_published on outbox (published_at) where published_at is not null;

create function outbox_notify() returns trigger language plpgsql as $$
begin
    perform pg_notify(tg_table_schema || '_outbox', '');
    return null;
end $$;
create trigger outbox_notify after insert on outbox for each statement execute function outbox_notify();

-- The number of the last fact of each job. Its row lock makes facts of one job commit in the order of their numbers.
create table fact_counter (
    job_id text primary key,
    last bigint not null
);

-- Facts of other stages that were applied here.
create table inbox (
    event_id uuid primary key,
    applied_at timestamptz not null default now()
);
create index inbox_applied on inbox (applied_at);

-- What is known here of each job: whether it may go on.
create table job_control (
    job_id text primary key,
    cancelled boolean not null default false,
    ended boolean not null default false,
    number bigint not null default 0,
    updated_at timestamptz not null default now()
);

-- Pieces of work. Postgres decides who does what; the bus only wakes workers.
create table work (
    id uuid primary key default uuidv7(),
    kind text not null,
    key text not null,
    tenant text not null,
    job_id text not null,
    video_id text not null,
    rank smallint not null,
    payload bytea not null,
    state text not null default 'ready' check (state in ('ready', 'leased', 'done', 'failed', 'cancelled')),
    attempt int not null default 0,
    due_at timestamptz not null default now(),
    lease_token uuid,
    lease_until timestamptz,
    failure bytea,
    created_at timestamptz not null default now(),
    ended_at timestamptz,
    unique (kind, key)
);
create index work_ready on work (rank, due_at) where state = 'ready';
create index work_leased on work (lease_until) where state = 'leased';
create index work_job on work (job_id);

-- Which process does what only one of a service's processes may do.
create table leadership (
    role text primary key,
    holder uuid not null,
    until timestamptz not null
);

-- The bus that facts were last published to, to notice a new and empty one.
create table bus (
    only_row boolean primary key default true check (only_row),
    born text not null
);

-- Answers to mutations, so that a repeated request_id gets the same one.
create table answered (
    tenant text not null,
    method text not null,
    request_id text not null,
    digest bytea not null,
    response bytea not null,
    created_at timestamptz not null default now(),
    primary key (tenant, method, request_id)
);
create index answered_created on answered (created_at);
