"""Runs the command."""

import io
import os
import sys

from vidmesh_cli.app import app


def main() -> None:
    """Run the `vidmesh` command."""
    # gRPC's core writes of every broken connection to the terminal; the command tells of them in its own words.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a character that the terminal lacks is no reason to stop
    app(prog_name="vidmesh")


if __name__ == "__main__":
    main()
