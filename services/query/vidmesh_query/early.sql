-- name: lock_job^
-- Where a job's cut stands, held until the transaction ends; nothing where no more is cut of it.
select tenant, video_id, next_window, next_segment, next_piece from job
where id = :job_id and not completed for update;

-- name: hear_segment*!
-- Unless its window is done by now.
insert into hearing (job_id, window_index, index, segment)
select :job_id, :window_index, :index, :segment
where not exists (select from heard where job_id = :job_id and index = :window_index)
on conflict (job_id, window_index, index) do update set segment = excluded.segment;

-- name: hearing
select h.window_index, h.segment from hearing h
where h.job_id = :job_id and h.window_index >= :first
    and not exists (select from heard w where w.job_id = h.job_id and w.index = h.window_index)
order by h.window_index, h.index;

-- name: drop_hearing!
delete from hearing where job_id = :job_id and window_index < :before;

-- name: drop_early!
delete from passage where job_id = :job_id and early;

-- name: reach!
update job set early_ms = :through where id = :job_id;

-- name: add_early*!
insert into passage (id, tenant, video_id, job_id, start_ms, end_ms, language, text, segments, early)
values (:id, :tenant, :video_id, :job_id, :start_ms, :end_ms, :language, :text, :segments::jsonb, true)
on conflict (id) do nothing;
