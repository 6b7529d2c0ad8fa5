"""The query service: the library of videos, hybrid search over what was said, and answers that cite moments."""
