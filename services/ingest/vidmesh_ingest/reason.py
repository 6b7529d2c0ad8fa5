"""Why a source cannot be had."""

from datetime import timedelta
from enum import StrEnum


class Reason(StrEnum):
    """The reasons that fetching and reading a source gives.

    Each is the name, without its prefix, of a value of `vidmesh.errors.v1.ErrorReason`, which says what to do about it
    and whether trying again helps.
    """

    SOURCE_UNREACHABLE = "SOURCE_UNREACHABLE"
    EGRESS_REFUSED = "EGRESS_REFUSED"
    NO_VIDEO = "NO_VIDEO"
    PRIVATE_VIDEO = "PRIVATE_VIDEO"
    VIDEO_REMOVED = "VIDEO_REMOVED"
    AGE_RESTRICTED = "AGE_RESTRICTED"
    GEO_BLOCKED = "GEO_BLOCKED"
    LIVE_VIDEO = "LIVE_VIDEO"
    BOT_CHECK = "BOT_CHECK"
    RATE_LIMITED = "RATE_LIMITED"
    PROTECTED_VIDEO = "PROTECTED_VIDEO"
    SOURCE_REFUSED = "SOURCE_REFUSED"
    NO_CAPTIONS = "NO_CAPTIONS"
    SOURCE_BROKEN_OFF = "SOURCE_BROKEN_OFF"
    SOURCE_CHANGED = "SOURCE_CHANGED"
    NOT_MEDIA = "NOT_MEDIA"
    EMPTY_FILE = "EMPTY_FILE"
    NO_AUDIO = "NO_AUDIO"
    CORRUPT_MEDIA = "CORRUPT_MEDIA"
    TOO_LONG = "TOO_LONG"
    TOO_LARGE = "TOO_LARGE"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"


class SourceError(Exception):
    """A source cannot be had, for a reason that its owner can understand."""

    def __init__(self, reason: Reason, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        """What went wrong, with its particulars: safe to show to the owner of the source."""
        self.retry_after = retry_after
        """How long the source asks to be left alone; None where it does not say."""


def reason_of_status(status: int) -> Reason:
    """What an HTTP status of 400 and above says of a source."""
    if status >= 500 or status in {408, 425}:
        return Reason.SOURCE_UNREACHABLE
    return {
        401: Reason.PRIVATE_VIDEO,
        402: Reason.PRIVATE_VIDEO,
        403: Reason.PRIVATE_VIDEO,
        404: Reason.VIDEO_REMOVED,
        410: Reason.VIDEO_REMOVED,
        429: Reason.RATE_LIMITED,
        451: Reason.GEO_BLOCKED,
    }.get(status, Reason.SOURCE_REFUSED)
