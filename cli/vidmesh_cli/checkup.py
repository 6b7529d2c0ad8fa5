"""Showing what `doctor` finds."""

from collections.abc import AsyncIterator
from dataclasses import asdict

from rich.text import Text

from vidmesh_cli import diagnosis
from vidmesh_cli.address import Address, NoMeshError, find
from vidmesh_cli.asked import Asked
from vidmesh_cli.diagnosis import Check, Verdict
from vidmesh_cli.entry import Entry
from vidmesh_cli.exit_code import ExitCode
from vidmesh_cli.output import Output
from vidmesh_cli.printable import printable

_LOOKS = {
    Verdict.GOOD: ("✓", "+", "green"),
    Verdict.POOR: ("!", "!", "yellow"),
    Verdict.BAD: ("✗", "x", "bold red"),
}


async def doctor(output: Output, asked: Asked) -> ExitCode:
    """Look at everything; end well unless something does not work."""
    address = _address(asked)
    checks: list[Check] = []
    async for check in _checks(asked, address):
        checks.append(check)
        if output.json_lines:
            output.line(asdict(check))
        else:
            _show(output, check)
    bad = sum(check.verdict is Verdict.BAD for check in checks)
    if not output.json_lines:
        output.say(f"\n{bad} of {len(checks)} do not work." if bad else "\nAll is well.")
        output.hint(
            ("vidmesh jobs", "how the jobs stand") if address else ("vidmesh up --detach", "start a mesh")
        )
    return ExitCode.ERROR if bad else ExitCode.OK


def _address(asked: Asked) -> Address | None:
    try:
        return find(asked)
    except NoMeshError:
        return None


async def _checks(asked: Asked, address: Address | None) -> AsyncIterator[Check]:
    async for check in diagnosis.installed():
        yield check
    for check in diagnosis.choices():
        yield check
    yield diagnosis.room(asked.data)
    if address is None:
        yield diagnosis.port()
        yield Check(name="Mesh", verdict=Verdict.GOOD, found=f"none runs in {asked.data}")
        return
    yield Check(name="Mesh", verdict=Verdict.GOOD, found=address.endpoint)
    async for check in diagnosis.mesh(address):
        yield check


def _show(output: Output, check: Check) -> None:
    fancy, plain, style = _LOOKS[check.verdict]
    glyph = plain if output.data.options.ascii_only else fancy
    lead = Text.assemble((glyph, style), f" {check.name:<18} ")
    output.show(Entry(lead=lead, body=Text(printable(check.found))))
    if check.advice:
        output.show(Entry(lead=Text(" " * lead.cell_len), body=Text(printable(check.advice), "dim")))
