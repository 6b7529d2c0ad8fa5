"""The reference pages are those that the code makes, and what is made is what it claims to be."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from docs.reference.__main__ import pages
from vidmesh_runtime.bus import DEAD, EVENTS, WORK, event_subject

DOCS = Path(__file__).parents[3] / "docs"
LINK = re.compile(r"\]\(([^)#]*)(#[^)]*)?\)")


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


def references(value: object) -> Iterator[str]:
    """Every $ref in a document."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "$ref":
                yield inner
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def resolve(document: Any, reference: str) -> Any:
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document


def test_the_reference_is_up_to_date(made: dict[str, str]) -> None:
    for name, text in made.items():
        assert (DOCS / name).read_text() == text, f"{name} is out of date: run make docs"
    assert {f"api/{path.name}" for path in (DOCS / "api").iterdir()} <= set(made)


def test_its_links_lead_somewhere(made: dict[str, str]) -> None:
    def anchors(page: str) -> set[str]:
        headings = re.findall(r"^#+ (.*)$", made[page], re.MULTILINE)
        return {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}

    for name, text in made.items():
        if not name.endswith(".md"):
            continue
        for path, anchor in LINK.findall(text):
            target = (DOCS / name).parent.joinpath(path) if path else DOCS / name
            assert target.exists(), f"{name} links to {path}"
            if anchor:
                page = str(target.resolve().relative_to(DOCS))
                assert anchor.removeprefix("#") in anchors(page), f"{name} links to {path}{anchor}"


def test_the_json_door_is_described_as_openapi(made: dict[str, str]) -> None:
    document = json.loads(made["openapi.json"])
    OpenAPIV31SpecValidator(document).validate()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    assert {"SubmitVideo", "WatchJob", "GetTranscript", "GenerateSummary", "Ask"} <= set(names)
    assert all(operation["summary"] for operation in operations)


def test_the_bus_is_described_as_asyncapi(made: dict[str, str]) -> None:
    document = json.loads(made["asyncapi.json"])
    for reference in references(document):
        assert resolve(document, reference)
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for channel in document["channels"].values():
        assert set(re.findall(r"\{(\w+)\}", channel["address"])) == set(channel["parameters"])
    addresses = [channel["address"] for channel in document["channels"].values()]
    assert event_subject("{tenant}", "{job}", "ingest", "{kind}") in addresses
    for stream in (EVENTS, WORK, DEAD):
        assert f"`{stream}`" in document["info"]["description"]
        assert any(address.startswith(f"{stream.lower()}.") for address in addresses)
