"""How running a measurement went, and all outcomes of this machine in one file."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.finding import as_json, from_json
from bench.measurement import Finding, Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of running a measurement."""

    name: str
    number: int
    size: Size
    day: str
    """When, such as "2026-11-21"."""
    seconds: float
    """How long it took."""
    finding: Finding | None
    """None where it failed."""
    error: str = ""
    """Why it failed; empty where it did not."""

    @property
    def missed(self) -> bool:
        """Whether it failed, or a figure is not what is asked."""
        return self.finding is None or any(figure.met is False for figure in self.finding.figures)


def to_json(outcome: Outcome) -> dict[str, Any]:
    """An outcome in JSON."""
    found = None if outcome.finding is None else as_json(outcome.finding)
    return {**asdict(outcome), "size": outcome.size.value, "finding": found}


def read(path: Path, size: Size) -> dict[str, Outcome]:
    """The outcomes of this size that a file keeps, by name; none where there is no file."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    return {
        name: Outcome(
            **{
                **told,
                "size": size,
                "finding": None if told["finding"] is None else from_json(told["finding"]),
            }
        )
        for name, told in kept.get(size.value, {}).items()
    }


def merge(path: Path, outcomes: Iterable[Outcome], machine: Mapping[str, str]) -> None:
    """Keep outcomes in a file, in place of earlier ones of the same name and size."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    for outcome in outcomes:
        kept.setdefault(outcome.size.value, {})[outcome.name] = to_json(outcome)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({**kept, "machine": dict(machine)}, ensure_ascii=False, indent=1, sort_keys=True)
    )
