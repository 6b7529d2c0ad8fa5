"""deploy/alarms.yaml, read for tests."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parents[1] / "deploy" / "alarms.yaml"
ALARMS: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(FILE.read_text())["groups"] for rule in group["rules"]
]

BY_PROMETHEUS = {"up"}
"""Metrics that Prometheus makes itself."""

_WORD = re.compile(r"""([a-z_][a-z0-9_]*)\s*(\(|\{([^}]*)\})?""")
_WORDS = {"min", "max", "sum", "by", "rate", "increase", "changes", "absent"}
_LABEL = re.compile(r'([a-z_]+)="([^"]*)"')


def selectors(expression: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The metrics of a PromQL expression, each with the labels that it must have."""
    # What is in brackets after `by` are labels, and letters after digits are units.
    plain = re.sub(r"\bby\s*\([^)]*\)|\[[^\]]*\]|\b[0-9][0-9a-z.]*", " ", expression)
    for found in _WORD.finditer(plain):
        name, _, labels = found.groups()
        if name not in _WORDS:
            yield name, dict(_LABEL.findall(labels or ""))


def samples(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The metrics that a part tells, under the names that it gives them, each with its labels.

    Prometheus' own parser for Python adds `_total` to the names of counters, which Prometheus does not.
    """
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, labels = line.rpartition(" ")[0].partition("{")
            yield name, dict(_LABEL.findall(labels))
