"""What is given to `submit`: a link, or a file on this machine."""

from pathlib import Path
from urllib.parse import urlsplit

from vidmesh_cli.asked import MisuseError


def read_source(given: str) -> str | Path:
    """Tell a link (str) from a file (Path). Raises MisuseError for what is neither."""
    if urlsplit(given).scheme in ("http", "https"):
        return given
    path = Path(given).expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        raise MisuseError(f"{given} is a folder; give the files in it")
    if "://" in given:
        raise MisuseError(f"{given} is no http or https link")
    if "." in given.split("/", maxsplit=1)[0] and "/" in given:
        raise MisuseError(f"there is no file {given}; if a link is meant, write https://{given}")
    raise MisuseError(f"there is no file {given}")
