"""A command whose complaints about a wrong option are in plain words."""

import re
from typing import Any

import typer
import typer.core

_WORDS = (
    (re.compile(r"Input should be greater than or equal to (\S+)"), r"give \1 or more"),
    (re.compile(r"Input should be less than or equal to (\S+)"), r"give \1 or less"),
    (re.compile(r"Input should be a valid integer.*"), "give a whole number"),
    (re.compile(r"Value error, "), ""),
)


class Command(typer.core.TyperCommand):
    """Reads options as usual and says of a wrong one what would be right."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words after the command's name. Raises BadParameter."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            for pattern, words in _WORDS:
                error.message = pattern.sub(words, error.message)
            raise

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write what can be given: arguments by their names alone, for Python's types say nothing to who types."""
        records = [(one.param_type_name, one.get_help_record(ctx)) for one in self.get_params(ctx)]
        for kind in ("argument", "option"):
            rows = [record for name, record in records if name == kind and record is not None]
            if kind == "argument":
                rows = [(name.partition(" <")[0], text) for name, text in rows]
            if rows:
                with formatter.section(f"{kind.capitalize()}s"):
                    formatter.write_dl(rows)
