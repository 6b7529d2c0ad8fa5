"""How long and from which seed tests of random input go: `make fuzz` sets both, `make test` takes the same few each time."""

import os
import sys

SEED = int(os.environ.get("VIDMESH_FUZZ_SEED", "20260101"))
ROUNDS = int(os.environ.get("VIDMESH_FUZZ_ROUNDS", "1"))
"""How much more than the few of `make test`."""


def tell(text: str) -> None:
    """Says what was tried and what came of it; `make fuzz` shows it."""
    sys.stderr.write(f"\nseed {SEED}: {text}\n")
