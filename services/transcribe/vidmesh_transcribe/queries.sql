-- name: know!
-- A job is heard of.
insert into transcript (job_id, tenant, video_id) values (:job_id, :tenant, :video_id)
on conflict (job_id) do nothing;

-- name: ask_language!
update transcript set asked_language = :language where job_id = :job_id;

-- name: announce!
update transcript set announced = :seconds where job_id = :job_id;

-- name: know_stretch!
insert into stretch (job_id, index, start_at, end_at) values (:job_id, :index, :start, :end)
on conflict (job_id, index) do nothing;

-- name: expect_captions$
-- True where captions are news: a transcript that is whole stays as it is.
update transcript set captions = 'waiting'
where job_id = :job_id and captions = 'none' and completed_at is null
returning true;

-- name: take_captions!
update transcript set captions = 'done' where job_id = :job_id;

-- name: end_source!
update transcript set duration = :duration, window_count = :window_count
where job_id = :job_id and window_count is null;

-- name: forgive!
-- The job is tried again.
update transcript set failure = null, given_up = false where job_id = :job_id and completed_at is null;

-- name: choose$
-- True where the engine was not chosen before.
update transcript set engine = :engine, model = :model, revision = :revision, notice = :notice
where job_id = :job_id and engine = ''
returning true;

-- name: give_up$
-- True where this stage had not given up yet.
update transcript set failure = :failure, given_up = true
where job_id = :job_id and not given_up and completed_at is null
returning true;

-- name: fail!
-- The source failed, and with it all that follows from it.
update transcript set failure = :failure where job_id = :job_id and failure is null and completed_at is null;

-- name: hear!
-- A stretch is recognised.
insert into stretch (job_id, index, start_at, end_at, done, speech, language, probability)
values (:job_id, :index, :start, :end, true, :speech, :language, :probability)
on conflict (job_id, index) do update
set start_at = excluded.start_at, end_at = excluded.end_at, done = true,
    speech = excluded.speech, language = excluded.language, probability = excluded.probability;

-- name: forget_segments!
delete from segment where job_id = :job_id and stretch = :index;

-- name: segment^
-- Held until the transaction ends.
select stretch, place, start_at, end_at, text, language, confidence, no_speech, words
from segment
where job_id = :job_id and stretch = :stretch and place = :place for update;

-- name: correct!
update segment set text = :text, words = :words where job_id = :job_id and stretch = :stretch and place = :place;

-- name: is_done$
select done from stretch where job_id = :job_id and index = :index;

-- name: words_near
select words from segment
where job_id = :job_id and stretch = :index and start_at <= :end and end_at >= :start
order by place;

-- name: keep_language!
update transcript set language = :language where job_id = :job_id and language = '';

-- name: lock^
-- The transcript, held until the transaction ends, so that of two last windows one sees the other.
select job_id, tenant, video_id, asked_language, language, engine, model, revision, notice, announced, duration,
    window_count, captions, completed_at
from transcript where job_id = :job_id for update;

-- name: tally^
-- How much of a transcript there is.
select count(*) filter (where done) as done, coalesce(sum(end_at - start_at) filter (where done), 0) as seconds,
    (select count(*) from segment where job_id = :job_id) as segments
from stretch where job_id = :job_id;

-- name: length$
-- Seconds that the video lasts, as far as anybody knows; 0 where nobody does.
select coalesce(duration, announced) from transcript where job_id = :job_id;

-- name: hearings
select speech, language, probability from stretch where job_id = :job_id and done order by index;

-- name: finish!
update transcript set completed_at = now(), language = :language where job_id = :job_id;

-- name: replace_older!
-- A finished transcript takes the place of those before it.
delete from transcript
where tenant = :tenant and video_id = :video_id and job_id <> :job_id and completed_at is not null
    and created_at <= (select created_at from transcript where job_id = :job_id);

-- name: jobs_of
select job_id from transcript where tenant = :tenant and video_id = :video_id;

-- name: drop_video!
delete from transcript where tenant = :tenant and video_id = :video_id;

-- name: current^
-- The transcript of a video that a reader is shown: the newest, unless that one failed and an older one is whole.
-- `through` and `unbroken` are of the windows from the first on without a gap.
with chosen as (
    select t.*, coalesce(c.cancelled, false) as cancelled, coalesce(c.ended, false) as ended
    from transcript t left join job_control c using (job_id)
    where t.tenant = :tenant and t.video_id = :video_id
    order by t.completed_at is null and (t.failure is not null or coalesce(c.cancelled or c.ended, false)),
        t.created_at desc
    limit 1
), done as (
    select index, end_at, row_number() over (order by index) - 1 as place
    from stretch join chosen using (job_id)
    where stretch.done
)
select job_id, video_id, asked_language, language, engine, model, revision, notice, duration, failure, completed_at,
    cancelled, ended,
    (select count(*) from segment where segment.job_id = chosen.job_id) as segment_count,
    (select count(*) from done where index = place) as unbroken,
    (select coalesce(max(end_at), 0) from done where index = place) as through
from chosen;

-- name: segments
-- Those that follow a place, in the order of time, of the stretches before `before`.
select stretch, place, start_at, end_at, text, language, confidence, no_speech, words
from segment
where job_id = :job_id and (stretch, place) > (:stretch, :place) and stretch < :before and start_at >= :start
order by stretch, place
limit :most;
