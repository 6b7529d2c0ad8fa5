"""Runs the command."""

from vidmesh_cli.app import app


def main() -> None:
    """Run the `vidmesh` command."""
    app(prog_name="vidmesh")


if __name__ == "__main__":
    main()
