"""Text of strangers, made fit to be shown and kept."""


def printable(text: str, most: int = 500) -> str:
    """The text without control characters, marks of direction and broken code points, and not too long."""
    return "".join(c for c in text if c.isprintable()).strip()[:most]


def file_name(text: str) -> str:
    """What a file is called, for people: never a path. May be empty."""
    return printable(text.replace("\\", "/").rpartition("/")[2])
