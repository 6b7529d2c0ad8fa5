"""configuration.md, from the services' settings classes."""

import importlib
import inspect
import textwrap
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from vidmesh_runtime.settings import ServiceSettings

SERVICES = ("ingest", "transcribe", "summarize", "query")


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
    """The rows of a settings class, what must be told first."""
    yield "| variable | default | what it is |"
    yield "|---|---|---|"
    for name, field in sorted(settings.model_fields.items(), key=lambda known: not known[1].is_required()):
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
