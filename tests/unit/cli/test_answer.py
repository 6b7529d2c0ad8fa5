"""An answer in words of its own has its moments below; one of passages is its moments."""

import pytest

from vidmesh.query.v1.search_pb2 import (
    ANSWER_KIND_GENERATED,
    ANSWER_KIND_PASSAGES,
    Answer,
    AnswerKind,
    Citation,
)
from vidmesh_cli.finding import show_answer
from vidmesh_cli.output import Output

QUOTE = "Bees see ultraviolet."


@pytest.mark.parametrize(("kind", "times"), [(ANSWER_KIND_PASSAGES, 1), (ANSWER_KIND_GENERATED, 2)])
def test_a_passage_is_printed_once(
    kind: AnswerKind.ValueType, times: int, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = Answer(
        text=f"{QUOTE} [1]", kind=kind, citations=[Citation(number=1, quote=QUOTE, video_title="Bees")]
    )
    show_answer(Output(json_lines=False), answer)
    shown = capsys.readouterr().out
    assert shown.count(QUOTE) == times
    assert "[1]" in shown
