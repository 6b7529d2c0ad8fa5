"""A wrong clock for a whole process: with this folder on PYTHONPATH, its time is off by `CLOCK_IS_OFF_BY` seconds.

What is measured, not told (time.monotonic), is right all the same, as on a machine whose clock is wrong.
"""

import datetime as module
import os
import time
from datetime import UTC, datetime, timedelta, tzinfo

_OFF_BY = float(os.environ.get("CLOCK_IS_OFF_BY", "0"))
_right, _right_ns = time.time, time.time_ns


class _Kind(type):
    """Values of the original type are values of this one too."""

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, datetime)


class _Wrong(datetime, metaclass=_Kind):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + timedelta(seconds=_OFF_BY)

    @classmethod
    def utcnow(cls) -> datetime:  # type: ignore[override]
        return datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=_OFF_BY)


if _OFF_BY:
    time.time = lambda: _right() + _OFF_BY
    time.time_ns = lambda: _right_ns() + int(_OFF_BY * 1e9)
    module.datetime = _Wrong  # type: ignore[misc]
