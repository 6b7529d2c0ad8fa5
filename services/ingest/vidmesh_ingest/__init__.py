"""The ingest service: it takes videos on, fetches and decodes them, and tracks their jobs to the end."""
