"""A job where lines are not drawn over: text to standard output, progress to standard error, a line each."""

from rich.text import Text

from vidmesh_cli.output import Output
from vidmesh_cli.printable import one_line, printable
from vidmesh_cli.units import clock
from vidmesh_cli.view.news import Divided, Ended, Heard, Moved, News, Notice, Opened, Summarized
from vidmesh_cli.view.rows import chapter_lines, ended_line, opened_line, stage_line


class Lines:
    """Prints each piece of news as it comes."""

    def __init__(self, output: Output) -> None:
        self._output = output

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
                self._output.say(ended_line(news))
            case Heard() | Summarized() | Divided():
                for line in data_lines(news):
                    self._output.show(line)


def data_lines(news: Heard | Summarized | Divided) -> list[Text]:
    """What belongs to standard output, styled for a terminal."""
    match news:
        case Heard():
            return [Text.assemble((f"{clock(news.start):>7}  ", "cyan"), one_line(news.text))]
        case Summarized():
            made = "the speaker's own sentences" if news.extractive else f"by {one_line(news.model)}"
            return [
                Text(),
                Text.assemble(("Summary", "bold"), (f" ({made})", "dim")),
                Text(printable(news.text)),
                Text(),
            ]
        case Divided():
            lines = [Text("Chapters", "bold")]
            for time, title, gist in chapter_lines(news):
                lines.append(
                    Text.assemble(
                        (f"{time:>7}  ", "cyan"), (title, "bold"), (f"  {gist}" if gist else "", "dim")
                    )
                )
            return [*lines, Text()]
