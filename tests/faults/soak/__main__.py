"""A soak of faults: `python -m tests.faults.soak [--seed N] [--minutes M]`, or `--nats-rounds 20` for NATS alone.

It says its seed first; the same seed draws the same faults in the same order. It ends with 0 where every promise was kept.
"""

import argparse
import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

from tests.conftest import Backstage
from tests.faults.mesh import Sizes, running
from tests.faults.soak.plan import kills_of_nats, plan
from tests.faults.soak.run import soak

ENVIRONMENT = {
    # As many faults as hit one job here, none meets in years.
    "VIDMESH_MAX_ATTEMPTS": "12",
}
SIZES = Sizes(nats=256 << 20, media=768 << 20)


def main() -> int:
    """Run a soak; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument(
        "--nats-rounds", type=int, metavar="COUNT", help="kill NATS so many times, and do nothing else"
    )
    asked = parser.parse_args()
    rounds = asked.nats_rounds
    faults = plan(asked.seed) if rounds is None else kills_of_nats(asked.seed, rounds)
    seconds = asked.minutes * 60 if rounds is None else float("inf")
    print(f"seed {asked.seed}", flush=True)
    backstage = Backstage()
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            running(backstage, env=ENVIRONMENT, scale={"transcribe": 2}, sizes=SIZES) as mesh,
        ):
            outcome = asyncio.run(
                soak(
                    mesh,
                    faults,
                    seed=asked.seed,
                    seconds=seconds,
                    folder=Path(folder),
                    say=lambda line: print(line, flush=True),
                )
            )
    finally:
        backstage.close()
    print(*outcome.lines(), sep="\n", flush=True)
    return 1 if outcome.wrongs else 0


if __name__ == "__main__":
    sys.exit(main())
