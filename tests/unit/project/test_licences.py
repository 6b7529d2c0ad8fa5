"""What vidmesh is built of may be used as vidmesh is: whatever is installed has a licence that is known here."""

import json
import re
from importlib.metadata import PackageMetadata, distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

ALLOWED = re.compile(
    r"0BSD|(\w+-clause )?BSD|BSD[- ][23]-clause|Apache([- ]|( software)?( license)?)*(version )?(2(\.0)?)?|BlueOak-1\.0\.0|CC-BY-4\.0|CC0-1\.0"
    r"|DFSG approved|ISC|MIT(-0)?|MPL[- ]2\.0|mozilla public license 2\.0|PSF-2\.0|Python Software Foundation|Public domain|Unlicense|Zlib",
    re.IGNORECASE,
)
"""Licences that ask for no more than to be named, or (MPL) for changes to what is under them."""

EXCEPTIONS = {
    # GPL-2.0-or-later. An extra of yt-dlp's brings it; it writes tags into files, which vidmesh never asks for, and is in
    # reach of yt-dlp's own process alone.
    "mutagen",
}


def told(metadata: PackageMetadata) -> str:
    """The licence as a distribution tells it: by an expression, by its classifiers, or in words."""
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in metadata.get_all("Classifier") or []
        if line.startswith("License ::")
    ]
    own = [line for line in classifiers if line != "OSI Approved"]
    (expression, *_), (words, *_) = (
        metadata.get_all(name) or [""] for name in ("License-Expression", "License")
    )
    return expression or "; ".join(own) or next(iter(words.strip().splitlines()), "")


def is_allowed(licence: str) -> bool:
    bare = licence[1:-1] if licence.startswith("(") and licence.endswith(")") else licence
    parts = re.split(r"\s+(?:AND|OR)\s+|;", bare)
    names = (re.sub(r"\s*(\blicen[sc]e)?\s*(\(.*\))?\s*$", "", part, flags=re.IGNORECASE) for part in parts)
    return all(ALLOWED.fullmatch(name.strip()) for name in names)


INSTALLED = {str(found.metadata["Name"]): told(found.metadata) for found in distributions()}


def test_every_distribution_may_be_used() -> None:
    unknown = {name: licence for name, licence in INSTALLED.items() if not is_allowed(licence)}
    assert {name: licence for name, licence in unknown.items() if name not in EXCEPTIONS} == {}
    assert set(unknown) == EXCEPTIONS
    assert len(INSTALLED) > 100


@pytest.mark.parametrize(
    "licence", ["GPL-3.0-only", "AGPL-3.0", "Proprietary", "BUSL-1.1", "MIT AND GPL-2.0", ""]
)
def test_what_asks_for_more_is_not_allowed(licence: str) -> None:
    assert not is_allowed(licence)


@pytest.mark.parametrize("folder", ["sdk/typescript", "gateway/web"])
def test_every_package_of_the_web_app_may_be_used(folder: str) -> None:
    packages = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
    unknown = {
        name: package.get("license")
        for name, package in packages.items()
        if name.startswith("node_modules/") and not package.get("link")
        if not is_allowed(str(package.get("license", "")))
    }
    assert unknown == {}
