"""What the head of an HTTP answer says of the file behind it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import parsedate_to_datetime

from vidmesh_ingest.text import file_name

_LONGEST_WAIT = timedelta(days=1)


def media_type(headers: Mapping[str, str]) -> str:
    """The media type without parameters, in lower case. May be empty."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def validator(headers: Mapping[str, str]) -> str | None:
    """What the server tells versions of the file apart by, fit for If-Range: a strong ETag or a date."""
    etag = headers.get("etag", "")
    return etag if etag and not etag.startswith("W/") else headers.get("last-modified")


def whole_size(status: int, headers: Mapping[str, str]) -> int | None:
    """How many bytes the whole file has, also where the answer has only its rest."""
    text = headers.get("content-length", "")
    if status in {206, 416}:
        text = headers.get("content-range", "").rpartition("/")[2]
    return int(text) if text.isdecimal() else None


def range_start(headers: Mapping[str, str]) -> int | None:
    """Which byte of the file a partial answer begins with."""
    text = headers.get("content-range", "").removeprefix("bytes ").partition("-")[0]
    return int(text) if text.isdecimal() else None


def given_name(headers: Mapping[str, str]) -> str:
    """What the server calls the file, for people: never a path. May be empty."""
    message = Message()
    message["Content-Disposition"] = headers.get("content-disposition", "")
    return file_name(message.get_filename() or "")


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> timedelta | None:
    """How long the server asks to be left alone: given in seconds or as a date; a day at most."""
    text = headers.get("retry-after", "")
    if text.isdecimal():
        return min(timedelta(seconds=min(int(text), 10**6)), _LONGEST_WAIT)
    try:
        wait = parsedate_to_datetime(text) - (now or datetime.now(UTC))
    except (ValueError, TypeError):
        return None
    return min(max(wait, timedelta(0)), _LONGEST_WAIT)
