"""Pictures of series as SVG: text stays text, colours fit light and dark, and the same series give the same bytes."""

from collections.abc import Iterator
from html import escape

from bench.measurement import Plot, Series
from bench.scale import Scale, fitted

WIDTH, HEIGHT = 760, 340
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 40, 48
LEGEND = 20
"""The height of a line of the legend."""

COLOURS = ("#3b7dd8", "#d97a1f", "#2e9e5b", "#b052c0", "#d64545", "#8a7f1d", "#2aa1b3", "#8b8b8b")
"""Each can be told from the others and seen on white and on black."""
DASHES = ("", "7 4", "2 3")
"""Beyond the colours, lines are told apart by these."""

_STYLE = """\
text{font:12px system-ui,sans-serif;fill:#333}
.title{font-size:14px;font-weight:600}
.grid{stroke:#8884;stroke-width:1}
.axis{stroke:#888;stroke-width:1}
.line{fill:none;stroke-width:2;stroke-linejoin:round}
@media(prefers-color-scheme:dark){text{fill:#ddd}}"""

_DOTS = 24
"""Series of no more points than this show each, unless they are stairs."""


def svg(plot: Plot) -> str:
    """The picture of a plot."""
    columns = _legend_columns(plot)
    top = TOP + LEGEND * -(-len(plot.series) // columns)
    height = top - TOP + HEIGHT
    x = fitted(
        (value for series in plot.series for value in series.x),
        begin=LEFT,
        end=WIDTH - RIGHT,
        log=plot.log_x,
    )
    y = fitted(
        (value for series in plot.series for value in series.y),
        begin=height - BOTTOM,
        end=top,
        log=plot.log_y,
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(plot.title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="{LEFT}" y="22">{escape(plot.title)}</text>',
        *_axes(plot, x, y),
        *(part for number, series in enumerate(plot.series) for part in _line(number, series, x, y)),
        *(part for number, series in enumerate(plot.series) for part in _key(number, series, columns)),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _axes(plot: Plot, x: Scale, y: Scale) -> Iterator[str]:
    for value, name in y.ticks():
        at = f"{y.place(value):.1f}"
        yield f'<line class="grid" x1="{x.begin}" x2="{x.end}" y1="{at}" y2="{at}"/>'
        yield f'<text x="{x.begin - 8}" y="{at}" text-anchor="end" dominant-baseline="central">{name}</text>'
    for value, name in x.ticks():
        at = f"{x.place(value):.1f}"
        yield f'<line class="grid" x1="{at}" x2="{at}" y1="{y.begin}" y2="{y.end}"/>'
        yield f'<text x="{at}" y="{y.begin + 18}" text-anchor="middle">{name}</text>'
    yield f'<path class="axis" fill="none" d="M{x.begin} {y.end}V{y.begin}H{x.end}"/>'
    middle = (x.begin + x.end) / 2
    yield f'<text x="{middle:.0f}" y="{y.begin + 38}" text-anchor="middle">{escape(plot.x)}</text>'
    middle = (y.begin + y.end) / 2
    yield (
        f'<text x="16" y="{middle:.0f}" text-anchor="middle" transform="rotate(-90 16 {middle:.0f})">'
        f"{escape(plot.y)}</text>"
    )


def _line(number: int, series: Series, x: Scale, y: Scale) -> Iterator[str]:
    colour = COLOURS[number % len(COLOURS)]
    places = [(x.place(at), y.place(value)) for at, value in zip(series.x, series.y, strict=True)]
    points = " ".join(f"{across:.1f},{up:.1f}" for across, up in places)
    yield f'<polyline class="line" stroke="{colour}"{_dash(number)} points="{points}"/>'
    if len(places) <= _DOTS and len(set(series.x)) == len(places):
        for across, up in places:
            yield f'<circle cx="{across:.1f}" cy="{up:.1f}" r="3" fill="{colour}"/>'


def _key(number: int, series: Series, columns: int) -> Iterator[str]:
    """One entry of the legend."""
    across = LEFT + number % columns * (WIDTH - LEFT - RIGHT) / columns
    up = TOP + number // columns * LEGEND
    colour = COLOURS[number % len(COLOURS)]
    yield (
        f'<line class="line" stroke="{colour}"{_dash(number)} '
        f'x1="{across:.0f}" x2="{across + 22:.0f}" y1="{up}" y2="{up}"/>'
    )
    yield f'<text x="{across + 28:.0f}" y="{up}" dominant-baseline="central">{escape(series.name)}</text>'


def _legend_columns(plot: Plot) -> int:
    """How many entries of the legend fit beside each other."""
    longest = max((len(series.name) for series in plot.series), default=1)
    return max(1, min(len(plot.series), int((WIDTH - LEFT - RIGHT) / (longest * 6.6 + 46))))


def _dash(number: int) -> str:
    dash = DASHES[number // len(COLOURS) % len(DASHES)]
    return f' stroke-dasharray="{dash}"' if dash else ""
