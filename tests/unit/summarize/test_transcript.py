import pytest

from vidmesh_summarize.transcript import Segment, clock, ends_sentence, sentences, shown


def segments(*texts: str, each: float = 2.0, pause: float = 0.2) -> list[Segment]:
    step = each + pause
    return [Segment(start=at * step, end=at * step + each, text=text) for at, text in enumerate(texts)]


def test_sentences_cross_segments_and_know_their_times() -> None:
    said = sentences(segments("Dr. Smith came", "at 3.5 km. He was", "late."), "en")
    assert [one.text for one in said] == ["Dr. Smith came at 3.5 km.", "He was late."]
    assert said[0].start == 0
    assert 2.2 < said[0].end < 4.2
    assert said[0].end <= said[1].start
    assert said[1].end == pytest.approx(6.4)


@pytest.mark.parametrize(
    ("language", "text", "count"),
    [
        ("de", "Das ist z.B. gut. Am 3. Mai geht es los.", 2),
        ("ja", "今日は天気がいい。明日は雨だ。", 2),
        ("ar", "أين أنت؟ أنا هنا.", 2),
        ("xx", "One. Two!", 2),
        ("", "One. Two!", 2),
    ],
)
def test_sentences_follow_the_language(language: str, text: str, count: int) -> None:
    assert len(sentences(segments(text), language)) == count


def test_text_without_punctuation_keeps_its_utterances() -> None:
    said = sentences(
        segments("the bees fly out in the morning sun", "and they come home at night again"), "en"
    )
    assert [one.text for one in said] == [
        "the bees fly out in the morning sun",
        "and they come home at night again",
    ]


def test_short_utterances_without_a_pause_are_joined() -> None:
    said = sentences(segments("well then", "we go on to the windmill now", "yes", each=1), "en")
    assert [one.text for one in said] == ["well then we go on to the windmill now", "yes"]


def test_a_long_pause_ends_a_sentence() -> None:
    said = sentences(segments("It began. And then", "nothing more. The end.", pause=9), "en")
    assert [one.text for one in said] == ["It began.", "And then", "nothing more.", "The end."]


def test_a_sentence_without_end_is_cut_between_segments() -> None:
    said = sentences(segments("A short one.", *["and so on and on it went"] * 60), "en")
    assert all(len(one.text) <= 450 for one in said)
    assert " ".join(one.text for one in said).count("and so on") == 60


def test_blank_segments_are_nothing() -> None:
    assert sentences(segments("", "  ", "\n"), "en") == []
    assert sentences([], "en") == []


def test_scripts_without_spaces_are_joined_without() -> None:
    assert [one.text for one in sentences(segments("今日は", "雨だ。"), "ja")] == ["今日は雨だ。"]


@pytest.mark.parametrize(
    ("text", "language", "written"),
    [
        ("so i said i'm late", "en", "So I said I'm late."),
        ("So i. e. this", "en", "So i. e. this."),
        ("Is it?", "en", "Is it?"),
        ("今日は雨", "ja", "今日は雨。"),
        ("", "en", ""),
    ],
)
def test_sentences_are_shown_with_a_capital_and_a_mark(text: str, language: str, written: str) -> None:
    assert shown(text, language) == written


def test_moments_are_written_as_players_do() -> None:
    assert [clock(one) for one in (0, 65.9, 3599, 3600, 36061)] == [
        "0:00",
        "1:05",
        "59:59",
        "1:00:00",
        "10:01:01",
    ]


def test_the_end_of_a_sentence_is_seen() -> None:
    assert ends_sentence("Yes. ")
    assert ends_sentence('He said "no."')
    assert ends_sentence("雨だ。")
    assert not ends_sentence("3.5")
    assert not ends_sentence("and then")
