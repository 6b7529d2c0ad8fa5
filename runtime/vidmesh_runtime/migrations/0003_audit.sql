-- Who asked for which change. Entries come and stay: nobody but the database's owner can take one back.
create table audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    tenant text not null,
    subject text not null,
    -- The method's full name, without its slash at the front.
    method text not null,
    -- What it was about: the ids in the request, and nothing else of it.
    about jsonb not null,
    -- "asked", or the reason that it was refused for at the door.
    outcome text not null
);
create index audit_tenant on audit (tenant, id);

create function audit_grows_only() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log only grows' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_grows_only before update or delete or truncate on audit
for each statement execute function audit_grows_only();
