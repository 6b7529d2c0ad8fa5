"""A model's words as plain text: no link, no markup, no control character gets through to the reader."""

import re

from vidmesh_query.transcript import clean

_IMAGE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_REFERENCE = re.compile(r"^\s*\[[^\]]+\]:\s*\S+\s*$", re.MULTILINE)
_TAG = re.compile(r"</?[A-Za-z!][^<>]*>?")
_URL = re.compile(
    r"\b(?:[a-z][a-z0-9+.-]{1,20}://|www\.|(?:mailto|javascript|data|vbscript):)\S+", re.IGNORECASE
)
_EMPHASIS = re.compile(r"(\*\*|__|`+|^#{1,6}\s+)", re.MULTILINE)


def plain(text: str) -> str:
    """`text` without links (their words stay), addresses, tags and emphasis marks; its line breaks stay."""
    text = _REFERENCE.sub("", text)
    text = _IMAGE.sub(r"\1", text)
    text = _LINK.sub(r"\1", text)
    text = _URL.sub("", text)
    previous = None
    while previous != text:  # what a removed tag joins may be a tag again
        previous, text = text, _TAG.sub("", text)
    text = _EMPHASIS.sub("", text)
    lines = (clean(line) for line in text.split("\n"))
    return "\n".join(lines).strip("\n")
