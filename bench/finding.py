"""Findings as JSON and back."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.measurement import Figure, Finding, Plot, Series


def as_json(finding: Finding) -> dict[str, Any]:
    """What a finding is in JSON. Raises ValueError for a figure that is no finite number."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(finding), default=_plain, allow_nan=False))
    return plain


def from_json(found: dict[str, Any]) -> Finding:
    """The finding that JSON tells of."""
    figures = tuple(Figure(**figure) for figure in found["figures"])
    plots = tuple(
        Plot(**{**plot, "series": tuple(_series(series) for series in plot["series"])})
        for plot in found["plots"]
    )
    return Finding(**{**found, "figures": figures, "notes": tuple(found["notes"]), "plots": plots})


def write_finding(finding: Finding, path: Path) -> None:
    """Keep a finding in a file."""
    path.write_text(json.dumps(as_json(finding), ensure_ascii=False))


def read_finding(path: Path) -> Finding:
    """The finding that a file keeps."""
    return from_json(json.loads(path.read_text()))


def _series(series: dict[str, Any]) -> Series:
    return Series(name=series["name"], x=tuple(series["x"]), y=tuple(series["y"]))


def _plain(value: Any) -> Any:
    """A number of numpy's as one of Python's, anything else as its text."""
    return value.item() if hasattr(value, "item") else str(value)
