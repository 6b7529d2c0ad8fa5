-- name: know$
-- True where the job is known now; nothing where its video was deleted.
insert into job (job_id, tenant, video_id, accepted_at)
select :job_id, :tenant, :video_id, :at
where not exists (select from deleted_video where tenant = :tenant and video_id = :video_id)
on conflict (job_id) do update set accepted_at = least(job.accepted_at, excluded.accepted_at)
returning true;

-- name: know_own_summary!
insert into summary (job_id, style, length, language, prompt) values (:job_id, :style, :length, '', '')
on conflict do nothing;

-- name: lock_job^
select * from job where job_id = :job_id for update;

-- name: job^
select * from job where job_id = :job_id;

-- name: take_priority!
update job set priority = :priority where job_id = :job_id;

-- name: take_title!
update job set title = :title, duration = greatest(duration, :duration) where job_id = :job_id;

-- name: complete_transcript$
-- True where the transcript was not known to be whole.
update job set window_count = :window_count, language = :language, duration = greatest(duration, :duration)
where job_id = :job_id and window_count is null
returning true;

-- name: hear$
-- True where the window was not heard before.
insert into heard (job_id, index, transcribed) values (:job_id, :index, :transcribed)
on conflict do nothing
returning true;

-- name: heard_from
select index, transcribed from heard where job_id = :job_id and index >= :first order by index;

-- name: advance!
update job set heard_through = :heard_through, cut_window = :cut_window, cut_place = :cut_place, closed = :closed
where job_id = :job_id;

-- name: add_section$
-- The new section's index.
insert into section (job_id, index, start_at, end_at, language, transcribed)
values (:job_id, (select count(*) from section where job_id = :job_id), :start, :end, :language, :transcribed)
returning index;

-- name: section^
select s.index, s.start_at, s.end_at, s.transcribed, coalesce(nullif(s.language, ''), j.language) as language, s.text,
    j.title
from section s join job j using (job_id) where s.job_id = :job_id and s.index = :index;

-- name: sections
select index, start_at, end_at, text from section where job_id = :job_id and text is not null order by index;

-- name: summarize_section$
-- True where the section had no summary.
update section set text = :text where job_id = :job_id and index = :index and text is null
returning true;

-- name: open_sections$
select count(*) from section where job_id = :job_id and text is null;

-- name: section_count$
select count(*) from section where job_id = :job_id;

-- name: own_summary^
select * from summary where job_id = :job_id and style = :style and length = :length and language = '' and prompt = '';

-- name: reserve_summary^
-- The summary of this brief, made where there is none.
insert into summary (job_id, style, length, language, prompt)
values (:job_id, :style, :length, :language, :prompt)
on conflict (job_id, style, length, language, md5(prompt)) do update set prompt = excluded.prompt
returning *;

-- name: finish_summary$
-- True where it was not written yet.
update summary set text = :text, model = :model, extractive = :extractive, completed_at = now()
where id = :id and text is null
returning true;

-- name: finish_chapters$
-- True where they were not cut yet.
update job set chaptered_at = now(), chapters_extractive = :extractive, chapters_failure = null, draft = null
where job_id = :job_id and chaptered_at is null
returning true;

-- name: keep_draft$
-- True unless the whole is cut by now.
update job set draft = :draft where job_id = :job_id and chaptered_at is null
returning true;

-- name: add_chapters!
insert into chapter (job_id, index, start_at, end_at, title, gist)
select :job_id, * from unnest(:indexes::int[], :starts::float8[], :ends::float8[], :titles::text[], :gists::text[]);

-- name: chapters
select index, start_at, end_at, title, gist from chapter where job_id = :job_id order by index;

-- name: fail_summary!
update job set failure = coalesce(failure, :failure) where job_id = :job_id;

-- name: fail_chapters!
update job set chapters_failure = coalesce(chapters_failure, :failure) where job_id = :job_id;

-- name: tell_failure$
-- The video, where this stage's failure was not told yet.
update job set failure_told = true where job_id = :job_id and not failure_told
returning video_id;

-- name: fail_unheard!
-- An earlier stage gave up: there will be nothing to summarise.
update job set failure = :failure where job_id = :job_id and window_count is null and failure is null;

-- name: forgive!
update job set failure = null, chapters_failure = null, failure_told = false where job_id = :job_id;

-- name: delete_video
delete from job where tenant = :tenant and video_id = :video_id
returning job_id;

-- name: remember_deleted!
insert into deleted_video (tenant, video_id) values (:tenant, :video_id) on conflict do nothing;

-- name: newest_job^
-- The newest job of a video, and whether its owner stopped it.
select j.*, coalesce(c.cancelled, false) as cancelled from job j left join job_control c using (job_id)
where j.tenant = :tenant and j.video_id = :video_id
order by j.accepted_at desc limit 1;

-- name: best_job^
-- The newest job of a video that has its summary, else the newest.
select j.*, coalesce(c.cancelled, false) as cancelled from job j left join job_control c using (job_id)
where j.tenant = :tenant and j.video_id = :video_id
order by exists (
    select from summary s
    where s.job_id = j.job_id and s.style = :style and s.length = :length and s.language = '' and s.prompt = ''
        and s.text is not null
) desc, j.accepted_at desc limit 1;

-- name: chaptered_job^
-- The newest job of a video that has its chapters, else the newest.
select j.*, coalesce(c.cancelled, false) as cancelled from job j left join job_control c using (job_id)
where j.tenant = :tenant and j.video_id = :video_id
order by (j.chaptered_at is not null) desc, j.accepted_at desc limit 1;

-- name: summary_of_video^
select s.* from summary s join job j using (job_id)
where s.id = :id and j.tenant = :tenant and j.video_id = :video_id;

-- name: job_of_tenant^
select j.*, coalesce(c.cancelled, false) as cancelled from job j left join job_control c using (job_id)
where j.job_id = :job_id and j.tenant = :tenant;

-- name: progress^
select j.closed, count(s.index) as total, count(s.text) as done
from job j left join section s using (job_id) where j.job_id = :job_id group by j.job_id;
