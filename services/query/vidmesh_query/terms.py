"""The words of a text that carry its content, and how many of them another text shares. Any language, no model."""

import re
from collections.abc import Collection
from functools import cache, lru_cache
from importlib.resources import files

# Scripts that put no blanks between words.
_UNSPACED = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_TOKEN = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+(?:'[^\W_{_UNSPACED}]+)*")
_WRITTEN = re.compile(r"[^\W_][\w'-]*")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]{{2,}}")


_NUMBERS = {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14",
    "fifteen": "15", "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19", "twenty": "20",
    "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90",
    "hundred": "100", "thousand": "1000", "million": "1000000", "billion": "1000000000",
}  # fmt: skip


@cache
def stop_words() -> frozenset[str]:
    """English words that say nothing of a text's subject, and those that ask about a talk rather than its content."""
    return frozenset(files(__package__).joinpath("stop_words.txt").read_text("utf-8").split())


def tokens(text: str) -> list[str]:
    """The words of `text` in lower case; scripts without blanks as pairs of neighbouring characters."""
    found: list[str] = []
    for match in _TOKEN.finditer(text.casefold().replace("\u2019", "'")):
        word = match.group()
        if _IS_UNSPACED.fullmatch(word):
            found.extend(word[at : at + 2] for at in range(len(word) - 1))
        else:
            found.append(word.removesuffix("'s"))
    return found


def content(text: str) -> list[str]:
    """The stems of the words of `text` that carry its subject, in order, without repeats."""
    ignored = stop_words()
    kept = (
        stem(token) for token in tokens(text) if token not in ignored and (len(token) > 1 or token.isdigit())
    )
    return list(dict.fromkeys(kept))


def numbers(text: str) -> set[str]:
    """The numbers that `text` names, in digits: "seven" and "7" are the same."""
    words = tokens(text)
    return {_NUMBERS[word] for word in words if word in _NUMBERS and word != "one"} | {
        word for word in words if word.isdigit()
    }


def names(text: str) -> set[str]:
    """The stems of words written with a capital letter inside a sentence, or with digits: what a text is about by name."""
    words = [match.group() for match in _WRITTEN.finditer(text)]
    named = [word for place, word in enumerate(words) if word[0].isdigit() or (place and word[0].isupper())]
    return {one for word in named for one in content(word)}


def share(wanted: Collection[str], text: str) -> float:
    """How much of `wanted`, a list of stems, `text` holds: 0 to 1. Of no stems, none."""
    if not wanted:
        return 0.0
    held = {stem(token) for token in tokens(text)}
    return sum(1 for word in wanted if word in held) / len(wanted)


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The word without the endings that English inflection adds: enough to match "carried" with "carries"."""
    if word in _NUMBERS:
        return _NUMBERS[word]
    if len(word) <= 3 or not word.isascii():
        return word
    for ending, instead in (
        ("ies", "y"),
        ("ied", "y"),
        ("sses", "ss"),
        ("ing", ""),
        ("ed", ""),
        ("es", ""),
        ("s", ""),
    ):
        if word.endswith(ending) and not word.endswith(("ss", "us", "is")):
            bare = word[: -len(ending)] + instead
            if len(bare) >= 3:
                return _undouble(bare)
    return _undouble(word)


def _undouble(word: str) -> str:
    """ "stopp" and "stop", "make" and "mak" are one."""
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 3 else word
