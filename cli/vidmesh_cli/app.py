"""The command's tree."""

from typing import Annotated

import typer

from vidmesh_cli.commands import bench, demo, jobs, keys, letters, mesh, results, upkeep
from vidmesh_cli.usage import Command

# Plain help: Rich would take longer to load than all the rest of `--help`.
app = typer.Typer(
    name="vidmesh",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (
    mesh.up,
    mesh.down,
    demo.demo,
    jobs.submit,
    jobs.watch,
    jobs.jobs,
    jobs.cancel,
    jobs.retry,
    jobs.delete,
    results.transcript,
    results.summary,
    results.chapters,
    results.search,
    results.ask,
    mesh.token,
    mesh.doctor,
    upkeep.reindex,
    upkeep.backup,
    upkeep.restore,
    bench.bench,
):
    app.command(cls=Command)(command)
app.add_typer(letters.app, name="letters")
app.add_typer(keys.app, name="keys")


def _version(asked: bool) -> None:
    if asked:
        import importlib.metadata

        typer.echo(f"vidmesh {importlib.metadata.version('vidmesh-cli')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """From a link or a file to its text, a summary, chapters, and answers that name the moment.

    `vidmesh demo` shows all of it in a minute. Exit codes: 0 done, 1 error, 2 usage, 3 cancelled or timed out, 4 not let in,
    5 the watched job failed, 130 Ctrl-C.
    """
