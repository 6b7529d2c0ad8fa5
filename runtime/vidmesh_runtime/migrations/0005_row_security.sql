-- Row-level security: a connection sees the rows of the tenant that its setting `vidmesh.tenant` names, all of them where it is
-- "*", and none where it was never set. The pool sets it (vidmesh_runtime/database.py): each query names the tenant by itself
-- too, and this is for the one that forgets. The table's owner is bound by it like everybody but a superuser.
create function keep_apart(names text[]) returns void language plpgsql as $$
declare
    name text;
begin
    foreach name in array names loop
        execute format('alter table %I enable row level security, force row level security', name);
        execute format(
            'create policy tenant on %I using ((select current_setting(''vidmesh.tenant'', true)) in (''*'', tenant))', name
        );
    end loop;
end $$;

select keep_apart(array['answered', 'audit']);
