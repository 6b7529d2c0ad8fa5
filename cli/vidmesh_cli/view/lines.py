"""A job where lines are not drawn over: text to standard output, progress to standard error, a line each."""

from collections.abc import Iterable

from rich.text import Text

from vidmesh.events.v1.text_pb2 import Chapter
from vidmesh_cli.entry import Entry, plain, timed
from vidmesh_cli.output import Output
from vidmesh_cli.printable import one_line, printable
from vidmesh_cli.units import clock
from vidmesh_cli.view.news import Divided, Ended, Heard, Moved, News, Notice, Opened, Summarized
from vidmesh_cli.view.rows import ended_line, opened_line, stage_line


class Lines:
    """Prints each piece of news as it comes."""

    def __init__(self, output: Output, *, label: str = "") -> None:
        self._output = output
        self._label = label

    async def __aenter__(self) -> "Lines":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def tell(self, news: News) -> None:
        """Print a piece of news."""
        match news:
            case Opened():
                self._output.say(opened_line(news))
            case Moved():
                self._output.say(stage_line(news.stage))
            case Notice():
                self._output.say(f"note: {printable(news.text)}")
            case Ended():
                self._output.say(ended_line(news, self._label))
            case Heard() | Summarized() | Divided():
                for entry in entries(news):
                    self._output.show(entry)


def entries(news: Heard | Summarized | Divided) -> list[Entry]:
    """What belongs to standard output."""
    match news:
        case Heard():
            return [timed(clock(news.start), Text(one_line(news.text)))]
        case Summarized():
            made = "the speaker's own sentences" if news.extractive else f"by {one_line(news.model)}"
            heading = Entry(body=Text.assemble(("Summary", "bold"), (f" ({made})", "dim")))
            return [plain(), heading, plain(printable(news.text)), plain()]
        case Divided():
            return [plain("Chapters", "bold"), *chapter_entries(news.chapters)]


def chapter_entries(chapters: Iterable[Chapter]) -> list[Entry]:
    """A chapter's title, and under it what it holds."""
    listed = []
    for chapter in chapters:
        listed.append(timed(clock(chapter.start.seconds), Text(one_line(chapter.title), "bold")))
        if chapter.gist:
            listed.append(timed("", Text(one_line(chapter.gist), "dim")))
    return listed
