"""Takes one mechanism out after the other and sees its test fail: `python -m tests.mutations [ROW...]`, in a clean checkout.

Ends with 0 where every test that was to fail failed. What was taken out is put back, also after Ctrl-C.
"""

import argparse
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FAILED = 1
"""How pytest ends where tests failed; any other code than this and 0 is a fault of the table's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """A mechanism that is taken out, and the test that misses it."""

    row: int
    """The row of docs/reliability.md."""
    what: str
    file: str
    before: str
    after: str
    test: str

    @contextmanager
    def made(self) -> Iterator[None]:
        """With the mechanism taken out. Raises ValueError where it is not there, or not once."""
        path = ROOT / self.file
        whole = path.read_text()
        if whole.count(self.before) != 1:
            raise ValueError(f"{self.file} holds {whole.count(self.before)} times {self.before!r}")
        path.write_text(whole.replace(self.before, self.after))
        try:
            yield
        finally:
            path.write_text(whole)


def mutations() -> list[Mutation]:
    """The table."""
    with (Path(__file__).parent / "table.toml").open("rb") as file:
        return [Mutation(**one) for one in tomllib.load(file)["mutation"]]


def main() -> int:
    """Try the rows that are asked for, or all; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("rows", nargs="*", type=int, metavar="ROW")
    rows = set(parser.parse_args().rows)
    chosen = [one for one in mutations() if not rows or one.row in rows]
    print("| # | taken out | the test that fails | seconds |\n|---|---|---|---|", flush=True)
    survived = 0
    for one in chosen:
        began = time.monotonic()
        with one.made():
            code = _tested(one.test)
        survived += code != FAILED
        told = f"{time.monotonic() - began:.0f}" if code == FAILED else f"**passed, exit code {code}**"
        print(f"| {one.row} | {one.what} | {one.test.removeprefix('tests/')} | {told} |", flush=True)
    print(f"\n{len(chosen)} mechanisms taken out, {survived} not missed by a test")
    return 1 if survived else 0


def _tested(test: str) -> int:
    command = [sys.executable, "-m", "pytest", "--quiet", "--exitfirst", "-p", "no:cacheprovider", test]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
