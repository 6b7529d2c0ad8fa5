-- name: gone$
select true from deleted_video where id = :video_id;

-- name: know_video!
-- Facts may come in any order: whichever comes first makes the row.
insert into video (id, tenant, created_at) values (:video_id, :tenant, :time) on conflict (id) do nothing;

-- name: know_job!
insert into job (id, tenant, video_id) values (:job_id, :tenant, :video_id) on conflict (id) do nothing;

-- name: accept_job!
update video set
    title = case when title = '' then :title else title end,
    created_at = least(created_at, :time),
    job_id = case when job_accepted_at is null or job_accepted_at <= :time then :job_id else job_id end,
    job_accepted_at = greatest(job_accepted_at, :time)
where id = :video_id;

-- name: set_priority!
update job set priority = :priority where id = :job_id;

-- name: describe_video!
update video set
    title = case when titled or :title = '' then title else :title end,
    author = :author, page_url = :page_url, duration_ms = coalesce(:duration_ms, duration_ms)
where id = :video_id;

-- name: set_duration!
update video set duration_ms = :duration_ms where id = :video_id;

-- name: set_language!
update video set language = :language where id = :video_id;

-- name: set_summary!
update video set summary = :summary, summary_job = :job_id
where id = :video_id and (summary = '' or job_id = :job_id or summary_job = :job_id);

-- name: delete_video!
delete from video where id = :video_id and tenant = :tenant;

-- name: bury_video!
insert into deleted_video (id) values (:video_id) on conflict do nothing;

-- name: jobs_of
select id from job where video_id = :video_id;

-- name: hear$
-- True where the window is news.
insert into heard (job_id, index, message) values (:job_id, :index, :message)
on conflict do nothing returning true;

-- name: lock_job!
-- Held until the transaction ends: whoever makes passages of a job holds it too.
select from job where id = :job_id for update;

-- name: correct$
-- True where no later correction of the segment is known.
insert into correction (job_id, window_index, place, number, segment)
values (:job_id, :window_index, :place, :number, :segment)
on conflict (job_id, window_index, place) do update set number = excluded.number, segment = excluded.segment
    where correction.number < excluded.number
returning true;

-- name: corrections
select window_index, place, segment from correction where job_id = :job_id;

-- name: passages_within
select id, job_id, language, segments from passage
where video_id = :video_id and job_id = :job_id and start_ms <= :end_ms and end_ms >= :start_ms;

-- name: correct_passage!
-- The keeper embeds it anew.
update passage set text = :text, segments = :segments::jsonb, embedded_by = null where id = :id;

-- name: set_window_count!
update job set window_count = :window_count where id = :job_id;

-- name: cut_short!
update job set cut_short = true where id = :job_id;

-- name: job^
select j.id, j.tenant, j.video_id, j.priority, j.next_window, j.next_segment, j.next_piece, j.window_count, j.cut_short,
    j.passage_count, j.through_ms, j.completed, v.duration_ms
from job j join video v on v.id = j.video_id where j.id = :job_id;

-- name: heard_from
select index, message from heard where job_id = :job_id and index >= :index order by index limit :most;

-- name: advance$
-- True where nobody else advanced the job meanwhile.
update job set next_window = :next_window, next_segment = :next_segment, next_piece = :next_piece,
    passage_count = passage_count + :added, through_ms = greatest(through_ms, :through_ms), completed = :completed,
    failed = false
where id = :job_id and not completed
    and (next_window, next_segment, next_piece) = (:was_window, :was_segment, :was_piece)
returning true;

-- name: add_passages*!
insert into passage (id, tenant, video_id, job_id, start_ms, end_ms, language, text, segments, embedded_by)
values (:id, :tenant, :video_id, :job_id, :start_ms, :end_ms, :language, :text, :segments::jsonb, :embedded_by)
on conflict (id) do nothing;

-- name: know_language!
insert into spoken (tenant, language) values (:tenant, :language) on conflict do nothing;

-- name: show_job!
-- The first job's passages are shown as they come; a later one's when it is whole.
update video v set shown_job = j.id, passage_count = j.passage_count, indexed_ms = j.through_ms, searchable = j.completed
from job j
where j.id = :job_id and v.id = j.video_id
    and (v.shown_job in ('', j.id) or j.completed and (v.job_id = j.id or v.job_id = ''));

-- name: drop_passages_but!
-- What earlier jobs made goes in the transaction that shows the new one's.
with gone as (
    delete from passage p using video v
    where p.video_id = :video_id and v.id = p.video_id and v.shown_job = :job_id and p.job_id <> :job_id
    returning p.tenant, p.video_id, p.job_id
)
insert into forgotten (tenant, video_id, job_id) select distinct tenant, video_id, job_id from gone;

-- name: drop_heard!
with words as (delete from hearing where job_id = :job_id) delete from heard where job_id = :job_id;

-- name: fail_job$
-- True where the job had not failed before.
update job set failed = true where id = :job_id and not failed and not completed returning true;

-- name: reopen_job$
-- True where the transcript had been given up: what was cut of it around missing windows is to be cut again.
update job set failed = false, cut_short = false,
    next_window = case when cut_short then 0 else next_window end,
    next_segment = case when cut_short then 0 else next_segment end,
    next_piece = case when cut_short then 0 else next_piece end,
    passage_count = case when cut_short then 0 else passage_count end,
    through_ms = case when cut_short then 0 else through_ms end
where id = :job_id and not completed
returning old.cut_short;

-- name: drop_passages!
-- Their vectors stay: the same ids come again.
delete from passage where job_id = :job_id;

-- name: forget_video!
insert into forgotten (tenant, video_id) values (:tenant, :video_id);
