"""Running measurements: each apart, with a limit, and nothing left of it. The measurements here are made up."""

import asyncio
import io
import os
import subprocess
import sys
from inspect import cleandoc
from pathlib import Path
from textwrap import indent

import psutil  # type: ignore[import-untyped]  # it publishes no types
import pytest
from rich.console import Console

from bench import machine, runner
from bench.listing import Listed
from bench.measurement import Size
from bench.outcome import Outcome
from bench.screen import Screen

ROOT = Path(__file__).parents[3]

MEASUREMENTS = {
    "good": """
        (bench.folder / "left").write_text("behind")
        bench.say("half\\nway")
        print("chatter")
        return Finding(number=1, title="Good", method="", figures=(figure("f", 2.0, at_least=1),),
                       raw={"folder": str(bench.folder)})
    """,
    "bad": "raise ValueError('it fell')",
    "late": """
        import subprocess
        kept = subprocess.Popen(["sleep", "600"], start_new_session=True)
        bench.say(str(kept.pid))
        await asyncio.sleep(600)
    """,
    "gone": "import os; os._exit(3)",
}


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose package `bench` has other measurements."""
    package = tmp_path / "checkout" / "bench"
    package.mkdir(parents=True)
    for path in (ROOT / "bench").glob("*.py"):
        (package / path.name).symlink_to(path)
    (package / "listing.py").unlink()
    text = (ROOT / "bench" / "listing.py").read_text()
    listed = ", ".join(f'Listed(name="{name}", number=1, limit=30)' for name in MEASUREMENTS)
    (package / "listing.py").write_text(text + f"\n\nLISTED = ({listed},)\nchoose.__defaults__ = (LISTED,)\n")
    for name, body in MEASUREMENTS.items():
        (package / f"{name}.py").write_text(
            "import asyncio\nfrom bench.measurement import Finding, figure\n"
            f"async def measure(bench):\n{indent(cleandoc(body), '    ')}\n"
        )
    monkeypatch.setattr(runner, "ROOT", package.parent)
    return tmp_path / "build"


def run(name: str, build: Path, *, limit: float = 30) -> tuple[Outcome, list[str]]:
    said: list[str] = []
    listed = Listed(name=name, number=1, limit=limit)
    return asyncio.run(runner.run(listed, Size.FULL, said.append, build=build)), said


def test_what_is_found_is_given_and_the_folder_is_gone(made_up: Path) -> None:
    outcome, said = run("good", made_up)
    assert outcome.error == ""
    assert outcome.finding is not None
    assert outcome.finding.title == "Good"
    assert not outcome.missed
    assert said == ["half way"]
    assert not Path(outcome.finding.raw["folder"]).exists()
    assert "chatter" in (made_up / "good.log").read_text()


@pytest.mark.parametrize(
    ("name", "error"), [("bad", "ValueError: it fell"), ("gone", "it ended with status 3")]
)
def test_one_that_fails_says_why(made_up: Path, name: str, error: str) -> None:
    outcome, _ = run(name, made_up)
    assert (outcome.finding, outcome.error) == (None, error)
    assert outcome.missed


def test_one_that_takes_too_long_is_ended(made_up: Path) -> None:
    outcome, _ = run("late", made_up, limit=0.1)
    assert outcome.error == "it took longer than 0 s; see late.log"


ENDED = """
import asyncio, sys
from pathlib import Path
from bench import runner, tree
from bench.listing import Listed
from bench.measurement import Size

async def main():
    told = asyncio.Event()
    def say(text):
        print(text)
        told.set()
    listed = Listed(name="late", number=1, limit=60)
    running = asyncio.create_task(runner.run(listed, Size.FULL, say, build=Path(sys.argv[1])))
    await told.wait()
    running.cancel()
    try:
        await running
    except asyncio.CancelledError:
        print("cancelled")

tree.adopt_orphans()
asyncio.run(main())
"""


def test_when_it_is_interrupted_all_that_was_started_is_ended(made_up: Path) -> None:
    """In a process of its own: only one that adopts orphans finds what has left its parent."""
    ended = subprocess.run(
        [sys.executable, "-c", ENDED, str(made_up)],
        cwd=runner.ROOT,
        env=os.environ | {"PYTHONPATH": str(runner.ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    started, how = ended.stdout.split()
    assert how == "cancelled"
    assert not psutil.pid_exists(int(started))


def test_the_screen_tells_of_each_and_how_it_ended(made_up: Path) -> None:
    chosen = [Listed(name=name, number=1, limit=30) for name in ("good", "bad")]
    text = io.StringIO()
    screen = Screen(chosen, Console(file=text, width=100))
    outcome, _ = run("bad", made_up)
    with screen.shown():
        screen.begin("bad")
        screen.end(outcome)
    assert text.getvalue().split("\n")[:2] == ["bad: starting", "bad: failed: ValueError: it fell"]
    drawn = Console(width=100, file=io.StringIO(), record=True)
    drawn.print(screen.drawn())
    assert drawn.export_text().split("\n")[0].startswith("·  good")


def test_the_machine_is_described_without_names() -> None:
    told = machine.describe()
    assert list(told) == ["Processor", "Memory", "GPU", "System", "Python", "Versions"]
    assert "grpcio" in told["Versions"]
    assert "cores" in told["Processor"]


def test_misuse_and_help_end_as_they_should() -> None:
    def bench(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bench", *words], cwd=ROOT, capture_output=True, text=True, check=False
        )

    assert bench("--list").stdout.split()[:2] == ["1", "first_segment"]
    wrong = bench("nonsense")
    assert (wrong.returncode, "there is no measurement 'nonsense'" in wrong.stderr) == (2, True)
    smoke = bench("--size", "smoke", "--write")
    assert (smoke.returncode, "mean nothing" in smoke.stderr) == (2, True)
