"""Scopes: what a token must allow for a method, told by the method's verb (google.aip.dev/130)."""

READ = "read"
WRITE = "write"
ADMIN = "admin"
SCOPES = (READ, WRITE, ADMIN)

READING = ("Get", "List", "Watch", "Stream", "Search", "Export", "Ask")
"""Verbs of methods that change nothing but what a conversation remembers. Whatever begins otherwise needs `write`."""


KEYS = ("ApiKey", "ApiKeys")
"""What methods of API keys end with: whoever may use them may let others in."""


def needed(method: str) -> str:
    """The scope for a method's full name, such as "/vidmesh.ingest.v1.IngestService/GetJob"."""
    name = method.rpartition("/")[2]
    if name.endswith(KEYS):
        return ADMIN
    return READ if name.startswith(READING) else WRITE
