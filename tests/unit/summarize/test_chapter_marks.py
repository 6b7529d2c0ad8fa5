import pytest

from vidmesh_summarize.chapter_marks import UnusableAnswerError, as_chapters, read_marks

MOMENTS = {1: 2.0, 2: 20.0, 3: 25.0, 4: 60.0, 5: 95.0}


def test_an_answer_becomes_chapters() -> None:
    answer = 'Sure!\n```json\n{"chapters": [{"line": 4, "title": " Bread ", "gist": "It rises."}, {"line": 1, "title": "Bees"}]}\n```'
    found = as_chapters(read_marks(answer, MOMENTS), MOMENTS, 100)
    assert [(one.start, one.end, one.title, one.gist) for one in found] == [
        (0, 60, "Bees", ""),
        (60, 100, "Bread", "It rises."),
    ]


def test_chapters_are_spread_and_begin_at_the_first_line() -> None:
    answer = '{"chapters": [{"line": 2, "title": "a"}, {"line": 3, "title": "b"}, {"line": 3, "title": "c"}, {"line": 5, "title": "d"}]}'
    marks = read_marks(answer, MOMENTS)
    assert [(mark.line, mark.title) for mark in marks] == [(1, "a"), (3, "b"), (5, "d")]
    assert [one.title for one in as_chapters(marks, MOMENTS, 100)] == ["a", "b"]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("", "no JSON object"),
        ("I would rather not.", "no JSON object"),
        ("{not json}", "not valid JSON"),
        ("}{", "no JSON object"),
        ('{"chapters": []}', "chapters"),
        ('{"chapters": "none"}', "chapters"),
        ('{"titles": []}', "chapters"),
        ('{"chapters": [{"line": 1}]}', "chapters.0.title"),
        ('{"chapters": [{"line": 1, "title": "  "}]}', "chapters.0.title"),
        ('{"chapters": [{"line": "x", "title": "a"}]}', "chapters.0.line"),
        ('{"chapters": [{"line": 7, "title": "a"}]}', "no line 7"),
        ('{"chapters": ' + "[" * 100_000 + "}", "not valid JSON"),
    ],
)
def test_an_answer_that_is_none_says_why(answer: str, problem: str) -> None:
    with pytest.raises(UnusableAnswerError, match=problem):
        read_marks(answer, MOMENTS)
