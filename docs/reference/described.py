"""What proto/ says: its descriptors, with the comments that the generated code leaves out."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import google.api
import grpc_tools
from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    EnumValueDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    MethodOptions,
    ServiceDescriptorProto,
)
from grpc_tools import protoc

ROOT = Path(__file__).parents[2]

SERVICES = ("IngestService", "TranscribeService", "SummarizeService", "QueryService")
"""The services in the order in which a video meets them."""

# The numbers of the fields that a location's path is made of (google/protobuf/descriptor.proto).
_MESSAGES, _ENUMS, _SERVICES, _SYNTAX = 4, 5, 6, 12
_Part = FieldDescriptorProto | EnumValueDescriptorProto | MethodDescriptorProto
_PARTS = 2  # a message's fields, an enum's values and a service's methods alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The JSON door to a method."""

    verb: str
    """Such as "get"."""
    path: str
    """Such as "/v1/jobs/{job_id}:cancel"."""
    takes_body: bool


class Protos:
    """All files of proto/, and every comment by the full name of what it is about: a file by its path, a value by ENUM.VALUE."""

    def __init__(self, files: Sequence[FileDescriptorProto]) -> None:
        self.files = files
        self.messages: dict[str, DescriptorProto] = {}
        self.maps: dict[str, DescriptorProto] = {}
        """What an entry of a map field is made of, by the name that protoc gives it."""
        self.enums: dict[str, EnumDescriptorProto] = {}
        services: dict[str, ServiceDescriptorProto] = {}
        self._comments: dict[str, str] = {}
        for file in files:
            self.messages |= {f"{file.package}.{one.name}": one for one in file.message_type}
            self.maps |= {
                f"{file.package}.{one.name}.{entry.name}": entry
                for one in file.message_type
                for entry in one.nested_type
                if entry.options.map_entry
            }
            self.enums |= {f"{file.package}.{one.name}": one for one in file.enum_type}
            services |= {f"{file.package}.{one.name}": one for one in file.service}
            names = _names(file)
            for location in file.source_code_info.location:
                name = names.get(tuple(location.path))
                if name and location.leading_comments:
                    lines = location.leading_comments.splitlines()
                    self._comments[name] = "\n".join(line.removeprefix(" ") for line in lines).strip()

        self.services = dict(sorted(services.items(), key=lambda item: SERVICES.index(item[1].name)))

    def comment(self, name: str) -> str:
        """The comment on something, as it is written."""
        return self._comments.get(name, "")

    def brief(self, name: str) -> str:
        """The comment on something, on one line."""
        return " ".join(self.comment(name).split())


def route(method: MethodDescriptorProto) -> Route | None:
    """The JSON door to a method, None where there is none."""
    if not method.options.HasExtension(annotations_pb2.http):
        return None
    rule: http_pb2.HttpRule = method.options.Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    return Route(verb=verb, path=getattr(rule, verb), takes_body=bool(rule.body))


def repeatable(method: MethodDescriptorProto) -> bool:
    """Whether sending a request twice has the effect of sending it once."""
    return bool(method.options.idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN)


def is_repeated(field: FieldDescriptorProto) -> bool:
    """Whether a field has any number of values."""
    return bool(field.label == FieldDescriptorProto.LABEL_REPEATED)


@cache
def described() -> Protos:
    """Read proto/."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "descriptors"
        sources = sorted(str(path.relative_to(ROOT / "proto")) for path in (ROOT / "proto").rglob("*.proto"))
        includes = (
            ROOT / "proto",
            Path(grpc_tools.__path__[0]) / "_proto",
            Path(google.api.__path__[0]).parents[1],
        )
        arguments = ["protoc", *(f"-I{one}" for one in includes), "--include_source_info"]
        if protoc.main([*arguments, f"--descriptor_set_out={out}", *sources]):
            raise RuntimeError("protoc could not read proto/")
        return Protos(FileDescriptorSet.FromString(out.read_bytes()).file)


def _names(file: FileDescriptorProto) -> dict[tuple[int, ...], str]:
    """The name that belongs to each path of a location."""
    return dict(_walk(file))


def _walk(file: FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    yield (_SYNTAX,), file.name
    things: tuple[tuple[tuple[int, int], str, Iterable[_Part]], ...] = (
        *(((_MESSAGES, place), one.name, one.field) for place, one in enumerate(file.message_type)),
        *(((_ENUMS, place), one.name, one.value) for place, one in enumerate(file.enum_type)),
        *(((_SERVICES, place), one.name, one.method) for place, one in enumerate(file.service)),
    )
    for path, name, parts in things:
        yield path, f"{file.package}.{name}"
        for place, part in enumerate(parts):
            yield (*path, _PARTS, place), f"{file.package}.{name}.{part.name}"
