"""The descriptor set that Envoy turns JSON into gRPC by: `python -m vidmesh_stack.descriptors OUT`."""

import importlib
import sys
from pathlib import Path

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.rpc import error_details_pb2

import vidmesh


def descriptor_set() -> FileDescriptorSet:
    """Every file of vidmesh's API and all that they import, imports first.

    google/rpc/error_details.proto is in it although nothing imports it: without it the gateway answers errors that
    carry details with an empty body.
    """
    files: dict[str, FileDescriptor] = {}
    for root in map(Path, vidmesh.__path__):
        for path in sorted(root.rglob("*_pb2.py")):
            name = ".".join(("vidmesh", *path.relative_to(root).with_suffix("").parts))
            _add(importlib.import_module(name).DESCRIPTOR, files)
    _add(error_details_pb2.DESCRIPTOR, files)
    result = FileDescriptorSet()
    for file in files.values():
        result.file.add().ParseFromString(file.serialized_pb)
    return result


def _add(file: FileDescriptor, files: dict[str, FileDescriptor]) -> None:
    for dependency in file.dependencies:
        _add(dependency, files)
    files.setdefault(file.name, file)


def write_descriptors(out: Path) -> None:
    """Write the set to `out`, making its folder."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(descriptor_set().SerializeToString(deterministic=True))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m vidmesh_stack.descriptors OUT")
    write_descriptors(Path(sys.argv[1]))
