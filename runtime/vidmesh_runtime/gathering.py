"""Gathering: under load, a loop lets a little come together, and does more in one transaction."""

import asyncio

FEW = 4
"""A loop that finds so many things at once is busy: as many come again while it waits."""
PAUSE = 0.05
"""Seconds that a busy loop waits for more. What comes alone never waits."""


class Gathering:
    """Paces a loop by how much it found in its last round, as a group commit does."""

    def __init__(self) -> None:
        self._found = 0

    def found(self, count: int) -> None:
        """Tell how many things this round had."""
        self._found = count

    async def more(self) -> None:
        """Wait for more, where the last round had several."""
        if self._found >= FEW:
            await asyncio.sleep(PAUSE)
