"""How long to wait before trying again."""

import random


def backoff(failures: int, *, first: float = 0.2, longest: float = 5.0) -> float:
    """Give the seconds to wait after so many failures in a row (from 1): doubled each time, jittered."""
    # The exponent is bounded, for a float overflows at 1024.
    return float(min(first * 2 ** min(failures - 1, 30), longest) * random.uniform(0.5, 1.0))
