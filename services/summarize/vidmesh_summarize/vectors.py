"""Texts as vectors of their terms."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

_VOCABULARY = 4096  # terms kept: the memory of a matrix is its rows times this times 4 bytes


def tfidf(texts: Sequence[Sequence[str]], *, vocabulary: int = _VOCABULARY) -> Matrix:
    """Weigh the terms of each text: one row a text, log term frequency times inverse document frequency.

    Terms used in one text alone say nothing of likeness and are left out.
    """
    spread: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for terms in texts:
        spread.update(set(terms))
        count.update(terms)
    inverse = {term: float(np.log(len(texts) / n)) for term, n in spread.items() if 2 <= n < len(texts)}
    kept = sorted(inverse, key=lambda term: (-count[term] * inverse[term], term))[:vocabulary]
    column = {term: index for index, term in enumerate(kept)}
    matrix = np.zeros((len(texts), len(kept)), np.float32)
    for row, terms in enumerate(texts):
        for term, times in Counter(terms).items():
            if term in column:
                matrix[row, column[term]] = np.log1p(times) * inverse[term]
    return matrix


def unit(matrix: Matrix) -> Matrix:
    """Scale each row to length one; an empty row stays zero."""
    length = np.linalg.norm(matrix, axis=1, keepdims=True)
    return (matrix / np.where(length > 0, length, 1)).astype(np.float32)


def blurred(matrix: Matrix, deviation: float) -> Matrix:
    """Spread each row over its neighbours by a Gaussian of `deviation` rows."""
    reach = min(int(3 * deviation) + 1, len(matrix) - 1)
    total = matrix.copy()
    for offset in range(1, reach + 1):
        weight = np.float32(np.exp(-0.5 * (offset / deviation) ** 2))
        total[offset:] += weight * matrix[:-offset]
        total[:-offset] += weight * matrix[offset:]
    return total
