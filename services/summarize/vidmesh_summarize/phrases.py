"""The phrases that set one part of a text apart from the others."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from vidmesh_summarize.words import Lexicon, Token, is_spaceless

_LONGEST = 4  # words in a phrase
_LONGEST_SPACELESS = 6  # characters in a phrase of a script without spaces
_JOINT = re.compile(r"[ \-\u2010\u2011]?")
_PRIOR = 0.01  # weight of the whole text's word frequencies in a part's own, as a share of the text
_HABIT = 0.2  # a longer phrase takes its word's place when it makes up so much of the word's uses

_Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A few words as they were said, and how strongly they mark their part (more is stronger)."""

    text: str
    stems: frozenset[str]
    score: float


@dataclass(slots=True)
class _Said:
    """What one part says: how often each phrase occurs, and in which forms."""

    times: Counter[_Key]
    forms: defaultdict[_Key, Counter[str]]


def key_phrases(
    parts: Sequence[Sequence[str]],
    found: Sequence[Sequence[Sequence[Token]]],
    lexicon: Lexicon,
    *,
    most: int = 6,
) -> list[list[Phrase]]:
    """Rank, for each part (its sentences, and `found`, the words of each), the phrases that mark it.

    No two phrases of a part share a word.

    A word weighs the z-score of its log-odds in the part against the rest, with a prior from the whole (Monroe,
    Colaresi and Quinn 2008), less where it is used as a verb. The strongest words grow to the phrase of up to four
    words, with no stop word at either edge, that they are habitually part of.
    """
    nouns = _nouns([s for part in found for s in part], lexicon)
    written = _written(parts, found)
    said = [_count(part, texts, lexicon, written) for part, texts in zip(parts, found, strict=True)]
    whole: Counter[_Key] = Counter()
    for one in said:
        whole.update(one.times)
    return [_ranked(one, whole, nouns, most) for one in said]


def _count(
    part: Sequence[str], found: Sequence[Sequence[Token]], lexicon: Lexicon, written: dict[str, str]
) -> _Said:
    said = _Said(Counter(), defaultdict(Counter))
    for sentence, texts in zip(part, found, strict=True):
        for run in _candidates(sentence, texts, lexicon):
            key = tuple(lexicon.stem(token) for token in run)
            said.times[key] += 1
            form = sentence[run[0].start : run[-1].end]
            if run[0] is texts[0]:
                form = written.get(run[0].folded, run[0].folded) + form[len(run[0].text) :]
            said.forms[key][form] += 1
    return said


def _ranked(said: _Said, whole: Counter[_Key], nouns: dict[str, float], most: int) -> list[Phrase]:
    inside, total = _words(said.times), _words(whole)
    weights = {
        key: _weight(times, whole[key], inside, total) * nouns.get(key[0], 1.0)
        for key, times in said.times.items()
        if _is_word(key)
    }
    if said.times[max(weights, key=lambda key: (weights[key], key), default=())] == 1:
        # Nothing is dwelt on, as in a greeting: what it has in common with the whole tells more than its own words.
        weights = {key: math.sqrt(whole[key]) * nouns.get(key[0], 1.0) for key in weights}
    chosen: list[Phrase] = []
    taken: set[str] = set()
    for key, weight in sorted(weights.items(), key=lambda item: (-item[1], item[0])):
        if len(chosen) == most:
            break
        if taken.isdisjoint(key) and weight > 0:
            grown = _grown(key, said, taken)
            form = min(said.forms[grown].items(), key=lambda item: (-item[1], item[0]))[0]
            chosen.append(Phrase(text=form, stems=frozenset(grown), score=weight))
            taken.update(grown)
    return chosen


def _is_word(key: _Key) -> bool:
    """Whether a phrase is one word, as far as can be told: two characters where no spaces are written."""
    return len(key) == (2 if is_spaceless(key[0][0]) else 1)


def _words(times: Counter[_Key]) -> int:
    return sum(count for key, count in times.items() if _is_word(key))


def _weight(times: int, everywhere: int, inside: int, total: int) -> float:
    outside = total - inside
    if outside <= 0:  # a text of one part has nothing to stand out from: frequency decides
        return math.sqrt(times)
    prior = max(10.0, total * _PRIOR)
    expected = prior * everywhere / total
    here, there = times + expected, everywhere - times + expected
    odds = math.log(here / max(inside + prior - here, 0.5)) - math.log(
        there / max(outside + prior - there, 0.5)
    )
    return odds / math.sqrt(1 / here + 1 / there)


def _grown(key: _Key, said: _Said, taken: set[str]) -> _Key:
    """Find the longest phrase around a word that makes up a good share of its uses."""
    uses = said.times[key]
    least = max(2, math.ceil(uses * _HABIT))
    around = [
        (len(phrase), times, phrase)
        for phrase, times in said.times.items()
        if times >= least and len(phrase) > len(key) and _within(key, phrase) and taken.isdisjoint(phrase)
    ]
    return max(around, key=lambda one: (one[1] * one[0], one), default=(0, 0, key))[2]


def _within(key: _Key, phrase: _Key) -> bool:
    return any(phrase[i : i + len(key)] == key for i in range(len(phrase) - len(key) + 1))


def _candidates(sentence: str, found: Sequence[Token], lexicon: Lexicon) -> Iterator[Sequence[Token]]:
    for begin, first in enumerate(found):
        if lexicon.is_stop(first):
            continue
        longest = _LONGEST_SPACELESS if first.spaceless else _LONGEST
        for end in range(begin + 1, min(begin + longest, len(found)) + 1):
            last = found[end - 1]
            if end - begin > 1 and not _joined(sentence, found[end - 2], last):
                break
            if lexicon.is_stop(last) or (first.spaceless and end - begin < 2):
                continue
            run = found[begin:end]
            if sum(lexicon.is_stop(token) for token in run) <= 1:
                yield run


def _joined(sentence: str, left: Token, right: Token) -> bool:
    if left.spaceless != right.spaceless:
        return False
    between = sentence[left.end : right.start]
    return between == "" if left.spaceless else bool(_JOINT.fullmatch(between))


def _written(parts: Sequence[Sequence[str]], found: Sequence[Sequence[Sequence[Token]]]) -> dict[str, str]:
    """Learn how each word is written where no sentence begins with it."""
    forms: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for texts in found:
        for sentence in texts:
            for token in sentence[1:]:
                forms[token.folded][token.text] += 1
    return {
        word: min(count.items(), key=lambda item: (-item[1], item[0]))[0] for word, count in forms.items()
    }


def _nouns(found: Sequence[Sequence[Token]], lexicon: Lexicon) -> dict[str, float]:
    """Weigh each stem by the company it keeps: 1 after articles and the like, 0.4 after pronouns and auxiliaries."""
    before: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for sentence in found:
        for left, right in pairwise(sentence):
            if left.folded in lexicon.before_nouns:
                before[lexicon.stem(right)][0] += 1
            elif left.folded in lexicon.before_verbs:
                before[lexicon.stem(right)][1] += 1
    return {stem: 0.4 + 0.6 * (nouns + 1) / (nouns + verbs + 1) for stem, (nouns, verbs) in before.items()}
