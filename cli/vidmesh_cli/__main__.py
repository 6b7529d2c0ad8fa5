"""Runs the command."""

import os

from vidmesh_cli.app import app


def main() -> None:
    """Run the `vidmesh` command."""
    # gRPC's core writes of every broken connection to the terminal; the command tells of them in its own words.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    app(prog_name="vidmesh")


if __name__ == "__main__":
    main()
