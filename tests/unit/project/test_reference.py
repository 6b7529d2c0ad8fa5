"""The reference pages are those that the code makes."""

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"


def test_the_reference_is_up_to_date(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("reference", DOCS / "reference.py")
    assert spec
    assert spec.loader
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    reference.write(tmp_path)
    for page in tmp_path.iterdir():
        assert page.read_text() == (DOCS / page.name).read_text(), (
            f"{page.name} is out of date: run make docs"
        )
