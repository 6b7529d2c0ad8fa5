-- name: lock_source!
-- Two submissions of one source wait for each other here.
select pg_advisory_xact_lock(hashtextextended(:name, 1));

-- name: find_video$
select video_id from source_key where tenant = :tenant and key = :key;

-- name: add_video$
insert into video (tenant, title) values (:tenant, :title) returning id;

-- name: add_key!
insert into source_key (tenant, key, video_id) values (:tenant, :key, :video_id) on conflict do nothing;

-- name: add_job$
insert into job (tenant, video_id, source, title, captions, language, priority)
values (:tenant, :video_id, :source, :title, :captions, :language, :priority) returning id;

-- name: add_stages!
insert into job_stage (job_id, stage) select :job_id, unnest(array['ingest', 'transcribe', 'summarize', 'index']);

-- name: latest_job$
-- The newest job of a video that did not fail and was not cancelled.
select id from job where video_id = :video_id and state not in ('failed', 'cancelled')
order by created_at desc, id desc limit 1;

-- name: has_jobs$
select exists (select from job where video_id = :video_id);

-- name: job^
select j.*, v.title as video_title, v.seconds, v.media_key, v.media_type
from job j join video v on v.id = j.video_id where j.tenant = :tenant and j.id = :id;

-- name: lock_job^
select j.* from job j where j.tenant = :tenant and j.id = :id for update;

-- name: stages
select job_id, stage, state, failure, started_at, ended_at from job_stage where job_id = any(:ids::uuid[]);

-- name: list_jobs
select j.*, v.title as video_title, v.seconds, v.media_key, v.media_type
from job j join video v on v.id = j.video_id
where j.tenant = :tenant
  and (cardinality(:states::text[]) = 0 or j.state = any(:states::text[]))
  and (:video_id::uuid is null or j.video_id = :video_id::uuid)
  and (:before_time::timestamptz is null or (j.created_at, j.id) < (:before_time::timestamptz, :before_id::uuid))
order by j.created_at desc, j.id desc
limit :most;

-- name: open_jobs
select id from job where tenant = :tenant and ended_at is null order by created_at desc limit 200;

-- name: start_stage!
update job_stage set state = 'running', started_at = coalesce(started_at, now())
where job_id = :job_id and stage = :stage and state = 'waiting';

-- name: see_fact$
-- The kinds of facts of this stage that were seen by now.
update job_stage set seen = case when seen @> array[:kind::text] then seen else array_append(seen, :kind::text) end
where job_id = :job_id and stage = :stage returning seen;

-- name: run_began$
select run_at from job where tenant = :tenant and id = :id;

-- name: start_job!
update job set state = 'running' where id = :job_id and state = 'queued';

-- name: end_stage$
-- True where this changes anything. What was cancelled stays so; a stage that is done stays done.
update job_stage set state = :state, failure = :failure, ended_at = now(), started_at = coalesce(started_at, now())
where job_id = :job_id and stage = :stage and state not in ('succeeded', 'cancelled', :state)
returning true;

-- name: end_job!
update job set state = :state, failure = :failure, ended_at = now(), ended_number = :number
where id = :job_id;

-- name: last_number$
-- The number of the last fact that was told of a job.
select last from fact_counter where job_id = :job_id;

-- name: cancel_stages!
update job_stage set state = 'cancelled', ended_at = now()
where job_id = :job_id and state in ('waiting', 'running');

-- name: reopen_stages!
update job_stage set state = 'waiting', failure = null, ended_at = null
where job_id = :job_id and state in ('failed', 'cancelled');

-- name: reopen_job$
update job set state = 'running', failure = null, ended_at = null, ended_number = null, run = run + 1, run_at = now()
where id = :job_id returning run;

-- name: add_notice!
update job set notices = array_append(notices, :notice::text)
where id = :job_id and :notice::text <> '' and not notices @> array[:notice::text];

-- name: open_source$
-- True the first time.
update job set opened = true where id = :job_id and not opened returning true;

-- name: keep_version$
-- True unless windows were cut from another version of the source.
update job set source_version = :version
where id = :job_id
  and (source_version in ('', :version) or not exists (select from window_cut where job_id = :job_id))
returning true;

-- name: describe_video!
update video set title = case when :title::text = '' then title else :title::text end,
    seconds = coalesce(:seconds::double precision, seconds)
where id = :video_id;

-- name: keep_video!
update video set media_key = :media_key, media_type = :media_type, media_bytes = :media_bytes, seconds = :seconds
where id = :video_id;

-- name: add_window$
-- True where it is new.
insert into window_cut (job_id, index, start_sample, end_sample, lap)
values (:job_id, :index, :start_sample, :end_sample, :lap) on conflict do nothing returning true;

-- name: last_window^
select index, end_sample, lap from window_cut where job_id = :job_id order by index desc limit 1;

-- name: video^
select id from video where tenant = :tenant and id = :id for update;

-- name: media^
select media_key, media_type from video where tenant = :tenant and id = :id and media_key <> '';

-- name: video_jobs
select id, state, run from job where video_id = :video_id order by created_at;

-- name: delete_video!
delete from video where id = :id;

-- name: add_upload^
insert into upload (tenant, filename, size_bytes, expires_at)
values (:tenant, :filename, :size_bytes, now() + :ttl::interval) returning *;

-- name: upload^
select * from upload where tenant = :tenant and id = :id;

-- name: try_lock_upload$
select pg_try_advisory_xact_lock(hashtextextended(:name, 2));

-- name: stand_still!
-- This transaction may take its time: reading a large file takes longer than a lease lasts.
set local idle_in_transaction_session_timeout = 0;

-- name: receive_upload^
update upload set received = :received where id = :id returning *;

-- name: complete_upload^
update upload set sha256 = :sha256, size_bytes = received where id = :id returning *;

-- name: know_upload!
-- An upload that was submitted before it was complete is known by its bytes from now on.
insert into source_key (tenant, key, video_id)
select tenant, :key, video_id from job where tenant = :tenant and source = :source limit 1
on conflict do nothing;

-- name: delete_upload!
delete from upload where id = :id;

-- name: expired_uploads
-- Those that nobody will submit any more and that no unfinished job reads.
delete from upload u where expires_at < now()
  and not exists (select from job j where j.source = 'upload:' || u.id and j.ended_at is null)
returning id;

-- name: finished_jobs
-- Those of the given ids that are of no job at work, for a minute at least; what is known of them.
select given.id, j.tenant, j.video_id, j.state from unnest(:ids::uuid[]) as given (id) left join job j using (id)
where j.id is null or j.ended_at <= now() - interval '1 minute';

-- name: host_pause$
-- How long a site is still to be left alone; null where it may be asked.
select until - now() from host_pause where host = :host and until > now();

-- name: pause_host!
insert into host_pause (host, until) values (:host, now() + :wait::interval)
on conflict (host) do update set until = greatest(host_pause.until, excluded.until);
