from dataclasses import replace

from tests.unit.query.speech import sentence_of, spoken
from vidmesh_query.step import Position, Step, step
from vidmesh_query.transcript import Window

WINDOWS: list[Window] = []
for number in range(6):
    heard_in_it = tuple(
        spoken(
            *(sentence_of(12, f"v{number}s{place}") for place in range(3)),
            start=WINDOWS[-1].end if WINDOWS else 0,
            window=number,
        )
    )
    WINDOWS.append(Window(index=number, end=heard_in_it[-1].end, segments=heard_in_it))

START = Position(next=(0, 0, 0), window_count=None, cut_short=False)


def texts(*steps: Step) -> str:
    return " ".join(passage.text for one in steps for passage in one.passages)


def said(windows: list[Window]) -> str:
    return " ".join(segment.text for window in windows for segment in window.segments)


def test_step_by_step_is_all_at_once() -> None:
    at = replace(START, window_count=6)
    whole = step("job", at, WINDOWS, last=True)
    assert whole.completed
    assert texts(whole) == said(WINDOWS)
    steps: list[Step] = []
    for heard in range(1, 7):
        from_here = [window for window in WINDOWS[:heard] if window.index >= at.next[0]]
        steps.append(step("job", at, from_here, last=True))
        at = replace(at, next=steps[-1].next)
    assert [passage.id for one in steps for passage in one.passages] == [
        passage.id for passage in whole.passages
    ]
    assert [one.completed for one in steps] == [False] * 5 + [True]


def test_windows_after_a_missing_one_wait() -> None:
    made = step("job", replace(START, window_count=6), [*WINDOWS[:2], *WINDOWS[3:]], last=True)
    assert not made.completed
    assert said(WINDOWS[:2]).startswith(texts(made))
    assert step("job", START, WINDOWS[1:], last=True).passages == []


def test_windows_after_a_missing_one_count_where_no_more_come() -> None:
    some = [*WINDOWS[:2], *WINDOWS[3:]]
    made = step("job", replace(START, cut_short=True), some, last=True)
    assert texts(made) == said(some)
    assert not made.completed
    assert made.through == WINDOWS[-1].end


def test_the_end_is_not_known_before_it_is_told() -> None:
    made = step("job", START, WINDOWS, last=True)
    assert not made.completed
    assert made.through == next(
        segment.start for window in WINDOWS for segment in window.segments if segment.key == made.next
    )
    rest = step("job", replace(START, next=made.next, window_count=6), WINDOWS[made.next[0] :], last=True)
    assert rest.completed
    assert f"{texts(made)} {texts(rest)}" == said(WINDOWS)


def test_silence_moves_on() -> None:
    silent = [Window(index=index, end=(index + 1) * 1000, segments=()) for index in range(3)]
    made = step("job", START, silent, last=True)
    assert (made.next, made.through, made.completed) == ((3, 0, 0), 3000, False)
    done = step("job", replace(START, next=(3, 0, 0), window_count=3), [], last=True)
    assert done.completed
    assert step("job", replace(START, window_count=0), [], last=True).completed


def test_a_part_of_what_was_heard_is_never_the_end() -> None:
    made = step("job", replace(START, window_count=4), WINDOWS[:4], last=False)
    assert not made.completed
