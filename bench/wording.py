"""How far two transcripts are apart."""

from collections.abc import Sequence

from bench.raw import Spoken

AGREED = 4
"""Words in a row that make it sure that both heard the same ones."""


def plain(text: str) -> str:
    """A word without case and punctuation."""
    return "".join(letter for letter in text.lower() if letter.isalnum())


def alignment(one: Sequence[str], other: Sequence[str]) -> tuple[int, list[tuple[int, int]]]:
    """The fewest words that must be changed, added or left out, and the places of those that are equal (Levenshtein)."""
    rows = [list(range(len(other) + 1))]
    for i, left in enumerate(one, 1):
        above, row = rows[-1], [i]
        for j, right in enumerate(other, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (left != right)))
        rows.append(row)
    pairs, i, j = [], len(one), len(other)
    while i and j:
        if one[i - 1] == other[j - 1] and rows[i][j] == rows[i - 1][j - 1]:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif rows[i][j] == rows[i - 1][j - 1] + 1:
            i, j = i - 1, j - 1
        elif rows[i][j] == rows[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return rows[-1][-1], pairs[::-1]


def error_rate(said: Sequence[str], heard: Sequence[Spoken]) -> float:
    """Words that are wrong, missing or too many, in percent of those that were said."""
    words = [word for spoken in heard if (word := plain(spoken.text))]
    return 100 * alignment(said, words)[0] / len(said)


def time_differences(one: Sequence[Spoken], other: Sequence[Spoken]) -> list[float]:
    """How far the beginnings and the ends of the words that both heard lie apart, in milliseconds, in growing order.

    These are words in runs of `AGREED` or more that both have: a lone word that both have may be another one's like.
    """
    _, pairs = alignment([plain(word.text) for word in one], [plain(word.text) for word in other])
    runs: list[list[tuple[int, int]]] = [[]]
    for pair in pairs:
        if runs[-1] and pair != (runs[-1][-1][0] + 1, runs[-1][-1][1] + 1):
            runs.append([])
        runs[-1].append(pair)
    return sorted(
        1000 * apart
        for run in runs
        if len(run) >= AGREED
        for i, j in run
        for apart in (abs(one[i].start - other[j].start), abs(one[i].end - other[j].end))
    )
