"""Where the topic of a text turns: change points of its vocabulary."""

import numpy as np
from numpy.typing import NDArray

from vidmesh_summarize.vectors import Matrix, blurred, unit

_BLUR = 1.5  # atoms: neighbours share words, a single atom has too few
_SHUFFLES = 4
_GAIN_OVER_CHANCE = 1.3  # one more part must gain so much more than it does in shuffled text

_Scores = NDArray[np.float64]
_Origins = NDArray[np.int64]


def change_points(atoms: Matrix, openings: _Scores, *, fewest: int, most: int, shortest: int) -> list[int]:
    """Cut rows of term weights into parts of like vocabulary; return the rows where parts after the first begin.

    The parts maximise the likeness within them, found exactly by dynamic programming (kernel change-point
    detection: Harchaoui and Cappé 2007; as kernel temporal segmentation in Potapov et al. 2014) over cosines of
    square-rooted, blurred TF-IDF rows. Their number, between `fewest` and `most`, grows while another part gains
    clearly more than it would in the same rows shuffled. `openings` says of each row how much else speaks for a part
    to begin there, 0 for nothing, 1 for as much as a change of words by chance. `shortest` is the least number of
    rows in a part.
    """
    rows = len(atoms)
    most = max(1, min(most, rows // max(1, shortest)))
    fewest = max(1, min(fewest, most))
    if most == 1 or not atoms.any():
        return []
    shuffled = np.random.default_rng(0)
    chances = [
        _best_parts(_kernel(atoms[shuffled.permutation(rows)]), np.zeros(rows), most, shortest)[0]
        for _ in range(_SHUFFLES)
    ]
    by_chance = _smoothed(np.diff(np.mean(chances, axis=0)[1:]))
    scores, origins = _best_parts(_kernel(atoms), openings * by_chance.mean(), most, shortest)
    gains = np.diff(scores[1:])
    parts = fewest
    while parts < most and gains[parts - 1] > _GAIN_OVER_CHANCE * by_chance[parts - 1]:
        parts += 1
    return _traced(origins, parts, rows)


def _smoothed(gains: _Scores) -> _Scores:
    """Fit gains, of which few are known and noisily, by a power of their number."""
    number = np.log(np.arange(1, len(gains) + 1))
    if len(gains) < 3:
        return gains
    power, constant = np.polyfit(number, np.log(np.maximum(gains, 1e-9)), 1)
    return np.asarray(np.exp(constant + power * number))


def _kernel(atoms: Matrix) -> NDArray[np.float64]:
    rows = unit(np.sqrt(blurred(atoms, _BLUR)))
    return np.asarray(rows @ rows.T, dtype=np.float64)


def _best_parts(kernel: _Scores, openings: _Scores, most: int, shortest: int) -> tuple[_Scores, _Origins]:
    """Find for every number of parts up to `most` the best score, and where each last part begins."""
    rows = len(kernel)
    summed = np.zeros((rows + 1, rows + 1))
    summed[1:, 1:] = kernel.cumsum(0).cumsum(1)
    diagonal = np.diag(summed)
    within = diagonal[None, :] - summed - summed.T + diagonal[:, None]
    length = np.arange(rows + 1)[None, :] - np.arange(rows + 1)[:, None]
    gain = np.where(length >= max(1, shortest), within / np.maximum(length, 1), -np.inf)
    gain[1:rows] += openings[1:, None]  # the first part begins at row 0 whatever speaks for it
    best = np.full((most + 1, rows + 1), -np.inf)
    origins = np.zeros((most + 1, rows + 1), np.int64)
    best[0, 0] = 0
    for parts in range(1, most + 1):
        total = best[parts - 1][:, None] + gain
        origins[parts] = total.argmax(0)
        best[parts] = total.max(0)
    return best[:, rows], origins


def _traced(origins: _Origins, parts: int, rows: int) -> list[int]:
    cuts = []
    end = rows
    for part in range(parts, 1, -1):
        end = int(origins[part, end])
        cuts.append(end)
    return cuts[::-1]
