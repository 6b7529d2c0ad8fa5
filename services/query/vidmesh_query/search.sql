-- name: by_words
-- Passages that hold words of the query, those with the most and the rarest words first. In each of the tenant's languages:
-- the query's stems, the passages that hold each (so many at most), the best of them by the rarity of what they hold, and
-- those ranked by how often they hold it too. `keys` are what their scope must share: the tenant, or videos of its own.
-- Where `sparing`, a word that more than so many passages hold (as the planner's statistics have it) finds none where a
-- rarer one is there, and only ranks: to read all that hold it would take as long as there are passages.
with spoken_here as (
    select language, search_config(language) as config from spoken
    where tenant = :tenant and (:language = '' or language = :language)
), corpus as (
    select greatest(1, sum(passage_count))::float8 as passages from video where tenant = :tenant
), common as materialized (
    select e.lexeme, e.share from pg_stats s, unnest(s.most_common_elems::text::text[], s.most_common_elem_freqs) as e (lexeme, share)
    where :sparing and s.schemaname = current_schema() and s.tablename = 'passage' and s.attname = 'fulltext'
        and e.lexeme is not null
), word as (
    select s.language, w.lexeme, coalesce(common.share, 0) * corpus.passages as held
    from corpus, spoken_here s cross join lateral unnest(to_tsvector(s.config, searchable(:query))) w
    left join common on common.lexeme = w.lexeme
    limit 64
), stem as (
    select language, format('''%s''', replace(replace(lexeme, '\', '\\'), '''', ''''''))::tsquery as query, held,
        held > 2000 and min(held) over (partition by language) <= 2000 as ranks_only
    from word
), weighed as materialized (
    select stem.language, stem.query, held.ids, ln(1 + corpus.passages / coalesce(cardinality(held.ids), stem.held)) as weight
    from corpus, stem left join lateral (
        select array_agg(one.id) as ids from (
            select p.id from passage p
            where p.scope && :keys::text[] and p.fulltext @@ stem.query
                and p.tenant = :tenant and p.language = stem.language
            limit 2000
        ) one
    ) held on not stem.ranks_only
    where held.ids is not null or stem.ranks_only
), candidate as (
    select held.id from weighed cross join lateral unnest(weighed.ids) as held (id)
    group by held.id order by sum(weighed.weight) desc, held.id limit 500
)
select p.id
from candidate join passage p using (id)
join video v on v.id = p.video_id and v.shown_job = p.job_id
join weighed on weighed.language = p.language and p.fulltext @@ weighed.query
group by p.id
order by sum(weighed.weight) + 2 * sum(weighed.weight * ts_rank(p.fulltext, weighed.query)) desc, p.id
limit :most;

-- name: by_operators
-- Passages that a query with operators (a phrase, without, or) matches to the letter.
select p.id
from spoken s cross join lateral (
    select p.id, p.fulltext, p.video_id, p.job_id from passage p
    where p.scope && :keys::text[] and p.tenant = :tenant and p.language = s.language
        and p.fulltext @@ websearch_to_tsquery(search_config(s.language), searchable(:query))
    limit 2000
) p
join video v on v.id = p.video_id and v.shown_job = p.job_id
where s.tenant = :tenant and (:language = '' or s.language = :language)
order by ts_rank_cd(p.fulltext, websearch_to_tsquery(search_config(s.language), searchable(:query))) desc, p.id
limit :most;

-- name: shown
-- Those of some passages that a caller may see and has asked for; `strict`: that the query's operators match.
select p.id from passage p join video v on v.id = p.video_id and v.shown_job = p.job_id
where p.id = any(:ids::uuid[]) and p.tenant = :tenant
    and (:language = '' or p.language = :language)
    and (:videos::text[] is null or p.video_id = any(:videos::text[]))
    and (not :strict or p.fulltext @@ websearch_to_tsquery(search_config(p.language), searchable(:query)));

-- name: passages
-- Passages to show, with the query's words marked by control characters.
select p.id, p.job_id, p.language, p.segments, p.video_id, v.title,
    ts_headline(search_config(p.language), p.text, websearch_to_tsquery(search_config(p.language), :query),
        E'HighlightAll=true, StartSel=\x02, StopSel=\x03') as headline
from passage p join video v on v.id = p.video_id
where p.id = any(:ids::uuid[]) and p.tenant = :tenant;

-- name: unknown_video$
-- One of some videos that the tenant does not have; null where it has all.
select asked.id from unnest(:ids::text[]) as asked (id)
where not exists (select from video v where v.id = asked.id and v.tenant = :tenant)
limit 1;

-- name: folder$
select id from folder where id = :id and tenant = :tenant;

-- name: in_scope
-- The videos that every condition holds for.
with recursive inside as (
    select id from folder where id = :folder_id::uuid and tenant = :tenant
    union all
    select f.id from folder f join inside on f.parent_id = inside.id
)
select v.id from video v
where v.tenant = :tenant
    and (cardinality(:ids::text[]) = 0 or v.id = any(:ids::text[]))
    and (:folder_id::uuid is null or v.folder_id in (select id from inside))
    and (select count(*) from video_tag t where t.video_id = v.id and t.name = any(:tags::text[])) = cardinality(:tags::text[]);

-- name: running
-- Videos of which more can be searched soon, for their newest job still runs and no earlier one stands for them.
select v.id, v.title, v.duration_ms,
    greatest(j.through_ms, j.early_ms) as through_ms,
    exists (select from passage p where p.video_id = v.id and p.job_id = j.id) as begun
from video v join job j on j.id = v.job_id left join job_control c on c.job_id = j.id
where v.tenant = :tenant and not v.searchable and not j.completed and not j.failed and not j.cut_short
    and not coalesce(c.cancelled or c.ended, false)
    and (:videos::text[] is null or v.id = any(:videos::text[]))
    and (:language = '' or v.language = '' or split_part(lower(v.language), '-', 1) = :language)
order by v.created_at desc, v.id desc limit :most;
