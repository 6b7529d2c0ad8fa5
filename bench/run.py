"""Jobs that were sent through four stages, and what they cost."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped] # it publishes no types


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Some jobs sent through the four stages."""

    jobs: int
    seconds: float
    cpu: Mapping[str, float]
    """Seconds of processor time, by the processes that had a part in it."""
    latencies: tuple[float, ...]
    """From submitting to the last fact or result, in seconds."""

    @property
    def rate(self) -> float:
        """Jobs a second."""
        return self.jobs / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Processor time of a job in milliseconds."""
        return 1000 * sum(self.cpu.values()) / self.jobs


def spent(process: psutil.Process) -> float:
    """Seconds of processor time of a process and all below it."""
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            total += times.user + times.system
    return total
