-- How many samples from after a window's end it holds, and the next one from before its start: none where the cut fell in
-- a pause.
alter table window_cut add column lap int not null default 0;
