"""Text of a language model made safe to show: Markdown without links or HTML, its moments checked, as it streams in."""

import re

from vidmesh_summarize.transcript import clock
from vidmesh_summarize.words import is_spaceless

_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_TAG = re.compile(r"<(?:[a-zA-Z/!?][^>]*)>")
_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.\-]{1,20}://|www\.|javascript:|mailto:)[^\s()\]>]*(?:\([^\s)]*\))?[^\s()\]>]*",
    re.IGNORECASE,
)
_MOMENT = re.compile(r"[(\[]\s*((?:\d{1,2}:)?\d{1,3}:\d{2})\s*[)\]]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_LONGEST_HELD = 600  # characters: what opens a bracket and does not close it for so long is no link
_PAIRS = {"[": "]", "(": ")", "<": ">"}


class Cleaner:
    """Cleans streamed text: takes pieces as they come, gives what can no longer change."""

    def __init__(self, duration: float) -> None:
        """Take the video's length in seconds, beyond which no moment can lie; 0 where it is not known."""
        self._duration = duration
        self._held = ""

    def feed(self, piece: str) -> str:
        """Take a piece; return the text that is clean and settled by it, possibly none."""
        self._held += piece
        cut = _settled(self._held)
        if cut == 0 and len(self._held) > _LONGEST_HELD:
            cut = len(self._held)
        settled, self._held = self._held[:cut], self._held[cut:]
        return self._cleaned(settled)

    def finish(self) -> str:
        """Return the rest."""
        rest, self._held = self._held, ""
        return self._cleaned(rest)

    def _cleaned(self, text: str) -> str:
        text = _CONTROL.sub("", text)
        # Removing one may put together another: again until nothing is found.
        while True:
            cleaned = _ADDRESS.sub("", _TAG.sub("", _LINK.sub(r"\1", text)))
            if cleaned == text:
                return _MOMENT.sub(self._moment, text)
            text = cleaned

    def _moment(self, found: re.Match[str]) -> str:
        seconds = 0
        for part in found.group(1).split(":"):
            seconds = seconds * 60 + int(part)
        return "" if self._duration and seconds > self._duration else f"({clock(seconds)})"


def _settled(text: str) -> int:
    """Find how much of a text nothing that follows can change: up to the last space outside all brackets."""
    closing: list[str] = []
    settled = 0
    for place, character in enumerate(text):
        if character in _PAIRS and not (character == "<" and text[place + 1 : place + 2].isspace()):
            closing.append(_PAIRS[character])
        elif closing and character == closing[-1]:
            closing.pop()
        elif not closing and (character.isspace() or is_spaceless(character)):
            settled = place + 1
    return settled


def clean(text: str, duration: float) -> str:
    """Clean a whole text at once; `duration` as in Cleaner."""
    cleaner = Cleaner(duration)
    return (cleaner.feed(text) + cleaner.finish()).strip()
