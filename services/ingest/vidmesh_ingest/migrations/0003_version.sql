-- What tells versions of a job's source apart, as it was when its windows were cut: windows of two files make no transcript.
-- Empty where nothing tells.
alter table job add column source_version text not null default '';
