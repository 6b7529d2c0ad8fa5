-- Chapters of what was heard by now, until all is: a vidmesh.events.v1.ChaptersDrafted.
alter table job add column draft bytea;
