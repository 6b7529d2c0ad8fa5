-- As many jobs more that wait, each row a copy of the newest job's but for its ids: run by a superuser in ingest's schema.
create temporary table wanted on commit drop as
select uuidv7() as job_id, uuidv7() as video_id, 'copy ' || number as name from generate_series(1, $1::int) as number;
create temporary table template on commit drop as
select j.id as job_id, j.video_id from job j join work w on w.job_id = j.id::text
where w.state = 'ready' order by j.created_at desc limit 1;

insert into video
select copy.* from wanted n, template t join video v on v.id = t.video_id,
    jsonb_populate_record(v, jsonb_build_object('id', n.video_id, 'created_at', now())) copy;

insert into source_key
select copy.* from wanted n, template t join source_key k on k.video_id = t.video_id,
    jsonb_populate_record(k, jsonb_build_object('key', k.key || n.name, 'video_id', n.video_id)) copy;

insert into job
select copy.* from wanted n, template t join job j on j.id = t.job_id,
    jsonb_populate_record(j, jsonb_build_object(
        'id', n.job_id, 'video_id', n.video_id, 'source', j.source || n.name, 'created_at', clock_timestamp()
    )) copy;

insert into job_stage
select copy.* from wanted n, template t join job_stage s on s.job_id = t.job_id,
    jsonb_populate_record(s, jsonb_build_object('job_id', n.job_id)) copy;

insert into fact_counter
select n.job_id::text, c.last from wanted n, template t join fact_counter c on c.job_id = t.job_id::text;

insert into outbox (subject, kind, job_id, number, payload, published_at)
select replace(o.subject, t.job_id::text, n.job_id::text), o.kind, n.job_id::text, o.number, o.payload, now()
from wanted n, template t join outbox o on o.job_id = t.job_id::text;

insert into work
select copy.* from wanted n, template t join work w on w.job_id = t.job_id::text,
    jsonb_populate_record(w, jsonb_build_object(
        'id', uuidv7(), 'key', n.job_id, 'job_id', n.job_id, 'video_id', n.video_id, 'slot', null, 'turn', null
    )) copy;
