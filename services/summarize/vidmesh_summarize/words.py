"""Words of any language: where they are, which of them carry content, which of them are one word in two forms."""

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise

import snowballstemmer  # type: ignore[import-untyped]  # it ships no types
from stopwordsiso import langs, stopwords

_WORD = re.compile(r"[^\W_]+(?:['\u2019\u02bc\-.][^\W_]+)*")
_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek",
    "en": "english", "es": "spanish", "et": "estonian", "eu": "basque", "fi": "finnish", "fr": "french",
    "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian",
    "lt": "lithuanian", "nb": "norwegian", "nl": "dutch", "nn": "norwegian", "no": "norwegian", "pl": "polish",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil",
    "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
_KNOWN: dict[str, dict[str, str]] = tomllib.loads(
    files("vidmesh_summarize").joinpath("words.toml").read_text(encoding="utf-8")
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a text, or one character of a script that writes no spaces."""

    text: str
    folded: str
    """The text for comparison: without case, with one kind of apostrophe."""
    start: int
    """Its place in the text it was found in, in characters, and where it ends."""
    end: int
    spaceless: bool


def is_spaceless(character: str) -> bool:
    """Whether a character belongs to a script that writes no spaces between words."""
    return bool(_SPACELESS.match(character)) or character in "\u3001\u3002\uff0c\uff01\uff1f"


def tokens(text: str) -> list[Token]:
    """Find the words of a text, in order."""
    found: list[Token] = []
    for match in _WORD.finditer(text):
        word = match.group()
        if not _SPACELESS.search(word):
            found.append(Token(word, _folded(word), match.start(), match.end(), False))
            continue
        begin = match.start()
        for piece in _split_spaceless(word):
            end = begin + len(piece)
            found.append(Token(piece, _folded(piece), begin, end, bool(_SPACELESS.match(piece))))
            begin = end
    return found


def _folded(word: str) -> str:
    return word.casefold().replace("\u2019", "'").replace("\u02bc", "'")


def _split_spaceless(word: str) -> list[str]:
    pieces: list[str] = []
    for character in word:
        mark = unicodedata.category(character).startswith("M") or character == "\u30fc"
        latin = not _SPACELESS.match(character)
        joins = pieces and (mark or (latin and not _SPACELESS.match(pieces[-1])))
        if joins:
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces


class Lexicon:
    """What is known of a language's words; a language that is not told is guessed, one without a list learnt from its text."""

    def __init__(self, language: str, sample: Iterable[Sequence[Token]] = ()) -> None:
        """Take a BCP 47 tag (empty when unknown) and, for a language without a list, text to learn from."""
        code = primary(language)
        if code in {"", "und"}:
            sample = list(sample)
            code = _guessed(sample)
        listed = _listed(code)
        self._stop = (
            (listed | _known(code, "spoken")) - _known(code, "content") if listed else _frequent(sample)
        )
        self._ruled: dict[str, bool] = {}
        self.before_nouns = _known(code, "before_nouns")
        self.before_verbs = _known(code, "before_verbs")
        self._stem = lru_cache(maxsize=50_000)(_stemmer(code))

    def is_stop(self, token: Token) -> bool:
        """Whether a word only holds a sentence together."""
        known = self._ruled.get(token.folded)
        if known is None:
            known = self._ruled[token.folded] = self._holds_together(token)
        return known

    def _holds_together(self, token: Token) -> bool:
        word = token.folded
        if word in self._stop or word.isdigit():
            return True
        head, apostrophe, _ = word.partition("'")
        if apostrophe and (head in self._stop or len(head) < 2):
            return True
        return len(word) < 2 and not token.spaceless

    def stem(self, token: Token) -> str:
        """Fold the forms of one word together."""
        return self._stem(token.folded.removesuffix("'s"))

    def terms(self, found: Sequence[Token]) -> list[str]:
        """Give the terms by which texts are compared: stems, and pairs of characters where no spaces are written."""
        terms = [self.stem(t) for t in found if not t.spaceless and not self.is_stop(t)]
        paired = (
            left.text + right.text
            for left, right in pairwise(found)
            if left.spaceless and right.spaceless and left.end == right.start
            if not (self.is_stop(left) or self.is_stop(right))
        )
        return [*terms, *paired]


def primary(language: str) -> str:
    """Give the language of a BCP 47 tag: `en` of `en-US`."""
    return language.replace("_", "-").partition("-")[0].lower()


def _known(code: str, kind: str) -> frozenset[str]:
    return frozenset(_KNOWN.get(code, {}).get(kind, "").split())


@lru_cache(maxsize=64)
def _listed(code: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in stopwords("no" if code in {"nb", "nn"} else code))


def _guessed(sample: Iterable[Sequence[Token]]) -> str:
    """Guess a language: the one whose stop words make up most of the text, empty where none makes up a quarter."""
    count = Counter(token.folded for found in sample for token in found)
    share = {code: sum(count[word] for word in _listed(code)) for code in langs()}
    best = max(sorted(share), key=lambda code: share[code])
    return best if share[best] > 0.25 * count.total() else ""


def _frequent(sample: Iterable[Sequence[Token]]) -> frozenset[str]:
    """Take the words that a text uses everywhere: 0.3 % of all words and in every sixth sentence or so."""
    count: Counter[str] = Counter()
    spread: Counter[str] = Counter()
    texts = 0
    for found in sample:
        words = [token.folded for token in found]
        count.update(words)
        spread.update(set(words))
        texts += 1
    total = count.total()
    return frozenset(
        word
        for word, times in count.items()
        if times >= 0.003 * total and spread[word] >= max(3, texts * 0.06)
    )


def _stemmer(code: str) -> Callable[[str], str]:
    if code not in _STEMMERS:
        return str
    stem: Callable[[str], str] = snowballstemmer.stemmer(_STEMMERS[code]).stemWord
    return stem
