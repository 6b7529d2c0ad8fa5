-- Dead letters of all stages: work that was given up and messages that could not be applied, for their owners to look at.
create table dead_letter (
    id uuid primary key,
    tenant text not null,
    -- The job that it is of; empty where that is not known.
    job_id text not null,
    -- A serialised vidmesh.events.v1.DeadLetter.
    letter bytea not null,
    buried_at timestamptz not null,
    -- When it was retried or dropped; null until then. It stays for a while, or the bus could bring it again.
    gone_at timestamptz
);
create index dead_letter_newest on dead_letter (tenant, buried_at desc, id desc) where gone_at is null;
create index dead_letter_job on dead_letter (job_id) where gone_at is null;
