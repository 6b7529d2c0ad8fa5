"""Writes the reference pages that are made from the code: `python -m docs.reference [FOLDER]`."""

import json
import sys
from pathlib import Path

from docs.reference import api, asyncapi, openapi, python
from docs.reference.configuration import configuration
from docs.reference.described import described
from docs.reference.errors import errors
from docs.reference.nats_users import nats_users


def pages() -> dict[str, str]:
    """Every page by its path under docs/."""
    protos = described()
    return {
        "errors.md": errors(),
        "configuration.md": configuration(),
        "python-reference.md": python.page(),
        "openapi.json": _json(openapi.document(protos)),
        "asyncapi.json": _json(asyncapi.document(protos)),
        "../deploy/nats-users.conf": nats_users(),
        **{f"api/{name}.md": page for name, page in api.pages(protos).items()},
    }


def _json(document: dict[str, object]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def write(folder: Path) -> None:
    """Write all pages."""
    for name, text in pages().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1])
