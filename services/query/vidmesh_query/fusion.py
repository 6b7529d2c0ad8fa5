"""Reciprocal rank fusion: one order out of several, by rank alone (Cormack, Clarke and Büttcher, SIGIR 2009)."""

from collections.abc import Hashable, Sequence
from typing import TypeVar

K = 60
"""The constant of the paper: how little the first places weigh above the next."""

Id = TypeVar("Id", bound=Hashable)


def fuse(*rankings: Sequence[Id], k: int = K) -> list[tuple[Id, float]]:
    """The items of all rankings, best first, each with the sum over rankings of 1 / (k + rank), rank counted from 1.

    Items that score the same keep the order in which the rankings, read one after another, first name them.
    """
    scores: dict[Id, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(dict.fromkeys(ranking), start=1):
            scores[item] = scores.get(item, 0.0) + 1.0 / (k + rank)
    return sorted(scores.items(), key=lambda entry: -entry[1])
