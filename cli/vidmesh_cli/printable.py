"""Making foreign text safe to show: titles and transcripts are data, never orders to the terminal."""

import unicodedata

_KEPT = frozenset("\n\t")
# Directional overrides and isolates: they can make a line read otherwise than it is.
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_REPLACEMENT = "\ufffd"


def printable(text: str) -> str:
    """Replace control characters (those of escape sequences too) and directional overrides; newlines and tabs stay.

    Each character gives one, so places in the text stay what they are.
    """
    return "".join(char if char in _KEPT or _is_harmless(char) else _REPLACEMENT for char in text)


def one_line(text: str) -> str:
    """The same on one line, runs of white space made one space."""
    return " ".join(printable(text).split())


def _is_harmless(char: str) -> bool:
    return unicodedata.category(char) != "Cc" and char not in _DIRECTION
