"""The descriptor set for the gateway's transcoder."""

import subprocess
import sys
from pathlib import Path

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet, MethodDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

from vidmesh_stack.descriptors import descriptor_set

PROTOS = sorted(str(path.relative_to("proto")) for path in Path("proto").rglob("*.proto"))


def methods(files: FileDescriptorSet) -> dict[str, MethodDescriptorProto]:
    return {
        method.name: method for file in files.file for service in file.service for method in service.method
    }


def test_it_has_every_file_of_the_api_with_imports_first() -> None:
    names = [file.name for file in descriptor_set().file]
    assert len(names) == len(set(names))
    assert set(PROTOS) <= set(names)
    assert "google/rpc/error_details.proto" in names
    pool = DescriptorPool()
    for file in descriptor_set().file:
        pool.Add(file)
    for name in names:
        assert pool.FindFileByName(name).name == name


def test_every_method_that_json_can_express_has_a_route() -> None:
    without = {
        name
        for name, method in methods(descriptor_set()).items()
        if not method.options.HasExtension(annotations_pb2.http)
    }
    assert without == {name for name, method in methods(descriptor_set()).items() if method.client_streaming}


def test_the_command_writes_it(tmp_path: Path) -> None:
    out = tmp_path / "new" / "descriptors.binpb"
    subprocess.run([sys.executable, "-m", "vidmesh_stack.descriptors", out], check=True)
    assert FileDescriptorSet.FromString(out.read_bytes()) == descriptor_set()
