"""The summarize service: sections, summaries and chapters of a transcript as it grows."""
