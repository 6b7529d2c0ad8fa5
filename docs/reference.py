"""Writes the reference pages that are made from the code: `python docs/reference.py [FOLDER]`.

errors.md comes from proto/vidmesh/errors, configuration.md from the services' settings classes.
"""

import importlib
import inspect
import sys
import textwrap
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh_runtime.errors import Failure, handling
from vidmesh_runtime.settings import ServiceSettings

SERVICES = ("ingest", "transcribe", "summarize", "query")


def errors() -> str:
    """The page of reasons."""
    lines = [
        "# Errors",
        "",
        "Made from `proto/vidmesh/errors/v1/error_reason.proto` by `make docs`.",
        "",
        "A failed call carries `google.rpc.ErrorInfo` in its status details: `domain` is `vidmesh`, `reason` one of those below,",
        "`metadata` has at least `advice` and `retryable`. A failed stage of a job carries the same as `vidmesh.errors.v1.Failure`.",
        "JSON answers have them under `details`. What may succeed later by itself is retried by vidmesh before it is told;",
        "the rest is told at once.",
        "",
        "| reason | gRPC code | try again | what it means | what to do |",
        "|---|---|---|---|---|",
    ]
    for reason in ErrorReason.values():
        if reason:
            failure, told = Failure(reason), handling(reason)
            again = "yes" if failure.retryable else "no"
            lines.append(
                f"| `{failure.name}` | {failure.code.name} | {again} | {told.title} | {told.advice} |"
            )
    return "\n".join(lines) + "\n"


def configuration() -> str:
    """The page of settings."""
    lines = [
        "# Configuration",
        "",
        "Made from the settings classes by `make docs`. Every setting is an environment variable, read once at start;",
        "`vidmesh up` passes the variables of its own environment on to the services. Times are seconds (`90`) or ISO 8601 (`PT1M30S`),",
        "sizes are bytes.",
        "",
        "## Every service",
        "",
        *table(ServiceSettings, set()),
    ]
    shared = set(ServiceSettings.model_fields)
    for service in SERVICES:
        lines += ["", f"## {service}", "", *table(settings_of(service), shared)]
    return "\n".join(lines) + "\n"


def settings_of(service: str) -> type[BaseSettings]:
    """The settings class of a service."""
    module = importlib.import_module(f"vidmesh_{service}.settings")
    for _, member in inspect.getmembers(module, inspect.isclass):
        if issubclass(member, ServiceSettings) and member is not ServiceSettings:
            return member
    raise LookupError(f"vidmesh_{service}.settings has no settings class")


def table(settings: type[BaseSettings], leave_out: set[str]) -> Iterator[str]:
    """The rows of a settings class."""
    yield "| variable | default | what it is |"
    yield "|---|---|---|"
    for name, field in settings.model_fields.items():
        if name not in leave_out:
            variable = variable_of(settings, name, field)
            yield f"| `{variable}` | {default_of(field)} | {meaning(field)} |"


def variable_of(settings: type[BaseSettings], name: str, field: FieldInfo) -> str:
    """The environment variable that a field is read from."""
    if isinstance(field.validation_alias, str):
        return field.validation_alias
    return f"{settings.model_config.get('env_prefix', '')}{name}".upper()


def default_of(field: FieldInfo) -> str:
    """A field's default as it would be written."""
    if field.is_required():
        return "(required)"
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, timedelta):
        return f"`{value.total_seconds():g}`"
    if value is None or value in ("", (), []):
        return "(none)"
    return f"`{getattr(value, 'value', value)}`"


def meaning(field: FieldInfo) -> str:
    """A field's docstring on one line."""
    return " ".join(textwrap.dedent(field.description or "").split()).replace("|", "\\|")


def write(folder: Path) -> None:
    """Write all pages."""
    (folder / "errors.md").write_text(errors())
    (folder / "configuration.md").write_text(configuration())


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
