-- Gives each service's role the password that its secret holds. For psql; run after stack/vidmesh_stack/database.sql.
\set ingest `cat /run/secrets/ingest_password`
\set transcribe `cat /run/secrets/transcribe_password`
\set summarize `cat /run/secrets/summarize_password`
\set query `cat /run/secrets/query_password`
alter role vidmesh_ingest password :'ingest';
alter role vidmesh_transcribe password :'transcribe';
alter role vidmesh_summarize password :'summarize';
alter role vidmesh_query password :'query';
