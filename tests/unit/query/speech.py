"""Made speech for the tests of this folder."""

from vidmesh_query.passage import Passage, passage_id
from vidmesh_query.transcript import Segment, Word


def spoken(
    *texts: str, start: int = 0, pause: int = 200, window: int = 0, language: str = "en"
) -> list[Segment]:
    """Segments that follow one another, 400 ms a word, with word times, `pause` ms between."""
    segments: list[Segment] = []
    at = start
    for index, text in enumerate(texts):
        begin = at
        words = []
        for word in text.split():
            words.append(Word(text=word, start=at, end=at + 350))
            at += 400
        segments.append(
            Segment(
                window=window,
                index=index,
                start=begin,
                end=at,
                text=text,
                language=language,
                words=tuple(words),
            )
        )
        at += pause
    return segments


def passage(*texts: str, job: str = "job", window: int = 0) -> Passage:
    segments = spoken(*texts, window=window)
    return Passage(id=passage_id(job, segments[0]), job=job, segments=tuple(segments))


def sentence_of(words: int, mark: str = "") -> str:
    """A text of so many words, all different from `mark` to `mark`."""
    return " ".join(f"{mark}w{number}" for number in range(words - 1)) + f" {mark}end."
