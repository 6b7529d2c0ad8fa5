"""What the command ends with."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes, as docs and scripts know them."""

    OK = 0
    ERROR = 1
    USAGE = 2
    STOPPED = 3
    """What was asked for was cancelled or took too long."""
    AUTH = 4
    """No token, or not one that allows this."""
    JOB_FAILED = 5
    """The command worked, the job that it watched did not."""
    INTERRUPTED = 130
    """Ctrl-C."""
