from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidmesh_transcribe.language import Hearing, prevailing, primary


@pytest.mark.parametrize(
    ("hearing", "decides"),
    [
        (Hearing(speech=5.0, language="de", probability=0.5), True),
        (Hearing(speech=4.9, language="de", probability=0.99), False),
        (Hearing(speech=60.0, language="de", probability=0.49), False),
        (Hearing(speech=60.0), False),
    ],
)
def test_a_window_decides_when_it_has_enough_speech_and_is_sure(hearing: Hearing, decides: bool) -> None:
    assert hearing.decides is decides


def test_most_of_the_speech_prevails() -> None:
    hearings = [
        Hearing(speech=3.0, language="cy", probability=0.45),
        Hearing(speech=4.0, language="en", probability=0.4),
        Hearing(speech=4.0, language="en", probability=0.3),
        Hearing(speech=0.0),
    ]
    assert prevailing(hearings) == "en"


def test_silence_has_no_language() -> None:
    assert prevailing([]) == ""
    assert prevailing([Hearing(speech=0.0)]) == ""


hearings = st.builds(
    Hearing,
    speech=st.floats(min_value=0, max_value=100),
    language=st.sampled_from(["", "en", "de", "fr"]),
    probability=st.floats(min_value=0, max_value=1),
)


@given(st.lists(hearings), st.randoms())
def test_the_order_of_the_windows_does_not_matter(heard: list[Hearing], random: Random) -> None:
    # Sums of floats depend on their order in the last digits; a tie within them may fall either way.
    rounded = [
        Hearing(speech=round(h.speech), language=h.language, probability=round(h.probability, 1) * 10)
        for h in heard
    ]
    shuffled = list(rounded)
    random.shuffle(shuffled)
    assert prevailing(shuffled) == prevailing(rounded)


@pytest.mark.parametrize(
    ("tag", "code"), [("pt-BR", "pt"), ("EN", "en"), ("zh_Hant", "zh"), (" de ", "de"), ("", "")]
)
def test_the_language_of_a_tag(tag: str, code: str) -> None:
    assert primary(tag) == code
