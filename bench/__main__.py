"""Takes measurements: `python -m bench [NAME...] [--size smoke|full] [--write] [--json]`."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from functools import partial

from rich.console import Console

from bench import machine, page, table, tree
from bench.finding import as_json
from bench.listing import LISTED, Listed, choose
from bench.measurement import Size
from bench.outcome import Outcome, merge, read
from bench.runner import BUILD, ROOT, run
from bench.screen import Screen

RESULTS = BUILD / "results.json"
DOCS = ROOT / "docs"
_WIDE = 160
"""How wide the table may be, in characters, where it is not for a terminal."""


def asked() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a measurement or its number; default: all")
    parser.add_argument(
        "--size", type=Size, choices=list(Size), default=Size.FULL, help="how much to measure"
    )
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md and its pictures")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--list", action="store_true", help="say what there is to measure")
    words = parser.parse_args()
    if words.write and words.size is not Size.FULL:
        parser.error("--write is for --size full: the figures of a smoke run mean nothing")
    try:
        words.chosen = choose(words.names)
    except LookupError as error:
        parser.error(str(error))
    return words


async def measure(chosen: Sequence[Listed], size: Size, screen: Screen, *, json_lines: bool) -> list[Outcome]:
    """Take the measurements, one after the other, and keep what each found."""
    about = machine.describe()
    outcomes = []
    with screen.shown():
        for listed in chosen:
            screen.begin(listed.name)
            outcome = await run(listed, size, partial(screen.say, listed.name))
            screen.end(outcome)
            merge(RESULTS, [outcome], about)
            outcomes.append(outcome)
            if json_lines and outcome.finding is not None:
                _line({"name": outcome.name, **as_json(outcome.finding)})
    return outcomes


async def main(words: argparse.Namespace) -> int:
    """Take the measurements, tell of them, and give the exit code."""
    this = asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, lambda: this and this.cancel())
    messages = Console(stderr=True, highlight=False, markup=False, emoji=False)
    busy = machine.load()
    if busy > 1:
        messages.print(
            f"Other work runs on this machine (load {busy:.1f}): figures will be worse than they are."
        )
    screen = Screen(words.chosen, messages)
    outcomes = await measure(words.chosen, words.size, screen, json_lines=words.json)
    if words.write:
        page.write(DOCS, list(read(RESULTS, Size.FULL).values()), machine.describe())
        messages.print(f"Written: {(DOCS / 'benchmarks.md').relative_to(ROOT)}")
    _tell(outcomes, json_lines=words.json)
    return 1 if any(outcome.finding is None for outcome in outcomes) else 0


def _tell(outcomes: Sequence[Outcome], *, json_lines: bool) -> None:
    taken = {outcome.number for outcome in outcomes}
    found = [row for row in table.rows(outcomes) if row.number in taken]
    if json_lines:
        failed = {outcome.name: outcome.error for outcome in outcomes if outcome.error}
        missed = [outcome.name for outcome in outcomes if outcome.missed]
        taken_names = [outcome.name for outcome in outcomes]
        _line(
            {"result": {"measured": taken_names, "missed": missed, "failed": failed, "results": str(RESULTS)}}
        )
        return
    width = None if sys.stdout.isatty() else _WIDE
    console = Console(highlight=False, markup=False, emoji=False, width=width)
    console.print(table.drawn(found))


def _line(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    told = asked()
    if told.list:
        for one in LISTED:
            print(f"{one.number:>2}  {one.name}")
        sys.exit(0)
    tree.adopt_orphans()
    try:
        sys.exit(asyncio.run(main(told)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
    finally:
        tree.end_all()
