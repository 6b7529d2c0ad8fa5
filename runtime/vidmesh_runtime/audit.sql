-- name: note!
insert into audit (tenant, subject, method, about, outcome)
values (:tenant, :subject, :method, :about::jsonb, :outcome);
