"""Languages as files name them (ISO 639-2) and as vidmesh does (BCP 47), and which captions fit best."""

from collections.abc import Sequence

_TAGS = dict(
    pair.split(":")
    for pair in [
        "ara:ar",
        "bul:bg",
        "cat:ca",
        "ces:cs",
        "cze:cs",
        "chi:zh",
        "zho:zh",
        "dan:da",
        "deu:de",
        "ger:de",
        "dut:nl",
        "nld:nl",
        "ell:el",
        "gre:el",
        "eng:en",
        "est:et",
        "fas:fa",
        "per:fa",
        "fin:fi",
        "fra:fr",
        "fre:fr",
        "heb:he",
        "hin:hi",
        "hrv:hr",
        "hun:hu",
        "ind:id",
        "isl:is",
        "ice:is",
        "ita:it",
        "jpn:ja",
        "kor:ko",
        "lav:lv",
        "lit:lt",
        "may:ms",
        "msa:ms",
        "nob:nb",
        "nor:no",
        "pol:pl",
        "por:pt",
        "ron:ro",
        "rum:ro",
        "rus:ru",
        "slk:sk",
        "slo:sk",
        "slv:sl",
        "spa:es",
        "srp:sr",
        "swe:sv",
        "tam:ta",
        "tel:te",
        "tha:th",
        "tur:tr",
        "ukr:uk",
        "urd:ur",
        "vie:vi",
    ]
)


def tag(language: str) -> str:
    """The BCP 47 tag of a language that a file names."""
    return _TAGS.get(language.lower(), language)


def best(there: Sequence[str], wanted: str) -> str | None:
    """The language to take of those that are there: the wanted one, one of its kind, English, or the first.

    None where there is none, or where one is wanted and nothing of its kind is there.
    """
    if not wanted:
        return next((name for name in there if _kind(name) == "en"), there[0] if there else None)
    exact = (name for name in there if tag(name).lower() == wanted.lower())
    like = (name for name in there if _kind(name) == _kind(wanted))
    return next(exact, None) or next(like, None)


def _kind(language: str) -> str:
    return tag(language).partition("-")[0].lower()
