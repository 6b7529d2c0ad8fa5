-- What quotas count: a tenant's jobs that have not ended, and how large its kept sources are, in bytes.
create index job_open on job (tenant) where state in ('queued', 'running');
alter table video add column media_bytes bigint not null default 0;
