-- name: work
-- Pieces of work that wait or are being done, and for how many seconds the oldest that could begin has waited.
select state, rank, count(*) as pieces, coalesce(extract(epoch from now() - min(due_at)), 0)::double precision as age
from work where slot is not null or (state = 'ready' and slot is null) or state = 'leased'
group by state, rank;

-- name: outbox^
-- Facts and triggers that are not yet on the bus, and the age of the oldest in seconds.
select count(*) as messages, coalesce(extract(epoch from now() - min(created_at)), 0)::double precision as age
from outbox where published_at is null;
