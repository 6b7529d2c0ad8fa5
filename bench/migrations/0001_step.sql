-- What a stage that does nothing keeps of each job.
create table step (
    job_id text primary key,
    began_at timestamptz not null default now(),
    done_at timestamptz
);
