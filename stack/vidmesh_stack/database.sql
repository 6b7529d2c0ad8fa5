-- One role and one schema for each service in the database that this is run on; no service may touch another's.
-- Run by a superuser, in the embedded stack as in Compose; running it again changes nothing.
do $$
declare
    service text;
begin
    foreach service in array array['ingest', 'transcribe', 'summarize', 'query'] loop
        if not exists (select from pg_roles where rolname = 'vidmesh_' || service) then
            execute format('create role %I login', 'vidmesh_' || service);
        end if;
        execute format('create schema if not exists %I authorization %I', service, 'vidmesh_' || service);
        execute format('grant connect on database %I to %I', current_database(), 'vidmesh_' || service);
    end loop;
    execute format('revoke all on database %I from public', current_database());
end
$$;

revoke all on schema public from public;
