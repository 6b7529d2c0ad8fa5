"""api/*.md: the calls, messages and enums of each package, from the comments of proto/."""

from collections.abc import Iterator

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, MethodDescriptorProto

from docs.reference.described import Protos, is_repeated, repeatable, route

_SCALARS = {
    FieldDescriptorProto.TYPE_STRING: "string",
    FieldDescriptorProto.TYPE_BYTES: "bytes",
    FieldDescriptorProto.TYPE_BOOL: "bool",
    FieldDescriptorProto.TYPE_INT32: "int32",
    FieldDescriptorProto.TYPE_INT64: "int64",
    FieldDescriptorProto.TYPE_DOUBLE: "double",
    FieldDescriptorProto.TYPE_FLOAT: "float",
}

INNER = {"vidmesh.edge.v1"}
"""What parts of vidmesh say to each other, and nobody else calls."""


def pages(protos: Protos) -> dict[str, str]:
    """The pages by their names: one for each package, and README, which lists all calls."""
    packages = sorted({file.package for file in protos.files} - INNER)
    return {"README": _overview(protos), **{_short(package): _page(protos, package) for package in packages}}


def _overview(protos: Protos) -> str:
    lines = [
        "# The API",
        "",
        "Made from `proto/` by `make docs`. Every call is there for gRPC and gRPC-Web; those with a route are there for JSON too,",
        "as [openapi.json](../openapi.json) describes. The bus is described by [asyncapi.json](../asyncapi.json).",
    ]
    for full_name, service in protos.services.items():
        page = _short(full_name.rpartition(".")[0])
        lines += [
            "",
            f"## [{service.name}]({page}.md)",
            "",
            "| call | JSON | what it does |",
            "|---|---|---|",
        ]
        for method in service.method:
            first = protos.brief(f"{full_name}.{method.name}").partition(". ")[0].rstrip(".")
            link = f"{page}.md#{method.name.lower()}"
            lines.append(f"| [{method.name}]({link}) | {_door(method)} | {_cell(first)}. |")
    return "\n".join(lines) + "\n"


def _page(protos: Protos, package: str) -> str:
    lines = [f"# {package}", "", "Made from `proto/` by `make docs`; [all calls](README.md)."]
    for full_name, service in protos.services.items():
        if full_name.rpartition(".")[0] == package:
            lines += ["", f"## {service.name}", "", protos.comment(full_name)]
            for method in service.method:
                lines += _method(protos, package, full_name, method)
    messages = [one for one in protos.messages if one.rpartition(".")[0] == package]
    enums = [one for one in protos.enums if one.rpartition(".")[0] == package]
    if messages:
        lines += ["", "## Messages"]
        for full_name in messages:
            lines += _message(protos, package, full_name)
    if enums:
        lines += ["", "## Enums"]
        for full_name in enums:
            lines += _enum(protos, full_name)
    return "\n".join(lines) + "\n"


def _method(protos: Protos, package: str, service: str, method: MethodDescriptorProto) -> Iterator[str]:
    request, response = (
        _link(package, one.removeprefix(".")) for one in (method.input_type, method.output_type)
    )
    takes = "a stream of " if method.client_streaming else ""
    gives = "a stream of " if method.server_streaming else ""
    yield from ("", f"### {method.name}", "", protos.comment(f"{service}.{method.name}"), "")
    yield f"- Takes {takes}{request}, gives {gives}{response}."
    if door := _door(method):
        yield f"- JSON: {door}"
    if repeatable(method):
        yield "- May be sent again: two have the effect of one."


def _message(protos: Protos, package: str, full_name: str) -> Iterator[str]:
    message = protos.messages[full_name]
    yield from ("", f"### {message.name}", "", protos.comment(full_name))
    if message.field:
        yield from ("", "| field | type | what it is |", "|---|---|---|")
    for field in message.field:
        entry = protos.maps.get(field.type_name.removeprefix("."))
        kind = _type(package, field) if entry is None else _map(package, entry)
        many = (
            "repeated "
            if is_repeated(field) and entry is None
            else "optional "
            if field.proto3_optional
            else ""
        )
        one_of = (
            f"one of `{message.oneof_decl[field.oneof_index].name}`: "
            if field.HasField("oneof_index") and not field.proto3_optional
            else ""
        )
        what = _cell(protos.brief(f"{full_name}.{field.name}"))
        yield f"| `{field.name}` | {one_of}{many}{kind} | {what} |"


def _enum(protos: Protos, full_name: str) -> Iterator[str]:
    enum = protos.enums[full_name]
    yield from ("", f"### {enum.name}", "", protos.comment(full_name), "")
    yield from ("| value | number | what it means |", "|---|---|---|")
    for value in enum.value:
        what = _cell(protos.brief(f"{full_name}.{value.name}"))
        yield f"| `{value.name}` | {value.number} | {what} |"


def _door(method: MethodDescriptorProto) -> str:
    found = route(method)
    return f"`{found.verb.upper()} {found.path}`" if found else ""


def _type(package: str, field: FieldDescriptorProto) -> str:
    return _link(package, field.type_name.removeprefix(".")) if field.type_name else _SCALARS[field.type]


def _map(package: str, entry: DescriptorProto) -> str:
    key, value = (_type(package, field) for field in entry.field)
    return f"map of {key} to {value}"


def _link(package: str, full_name: str) -> str:
    """A link to a message or enum, on this page or on its package's."""
    home, _, name = full_name.rpartition(".")
    if not home.startswith("vidmesh."):
        return name
    page = "" if home == package else f"{_short(home)}.md"
    return f"[{name}]({page}#{name.lower()})"


def _short(package: str) -> str:
    """The name of a package's page, such as "ingest"."""
    return package.split(".")[1]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
