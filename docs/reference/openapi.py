"""openapi.json: the JSON door as OpenAPI 3.1, from the routes and comments of proto/."""

import re
import tomllib
from collections.abc import Iterator

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, MethodDescriptorProto

from docs.reference.described import ROOT, SERVICES, Protos, Route, is_repeated, route
from docs.reference.schema import Schema, Schemas

ABOUT = """vidmesh over plain HTTP and JSON: videos in; transcripts, summaries, chapters, search and cited answers out.

Made from `proto/` by `make docs`. The gateway turns each of these calls into the gRPC call of the same name.

- Every call carries `authorization: Bearer TOKEN`; `vidmesh token` makes one.
- Names of fields are in camel case; those of query parameters in snake case.
- What has its default value (0, false, "", an empty list) is left out of answers.
- 64-bit numbers are strings in answers, and may be numbers in requests. Bytes are base64, durations seconds with an "s".
- Answers that are streams come as one JSON object a line, as they happen (`x-stream: true`).
- Errors are a `Status`, whose first detail names the reason and says what to do: see errors.md.
"""

_PATH_FIELD = re.compile(r"\{(\w+)\}")

STATUS: Schema = {
    "type": "object",
    "description": "An error, as google.rpc.Status.",
    "required": ["code", "message"],
    "properties": {
        "code": {"type": "integer", "format": "int32", "description": "The gRPC status code."},
        "message": {"type": "string", "description": "What went wrong, with its particulars."},
        "details": {
            "type": "array",
            "description": "The reason, as google.rpc.ErrorInfo, and perhaps when to try again, as google.rpc.RetryInfo.",
            "items": {
                "type": "object",
                "required": ["@type"],
                "properties": {
                    "@type": {"type": "string"},
                    "reason": {
                        "type": "string",
                        "description": "A reason of errors.md, such as NOT_FOUND.",
                    },
                    "domain": {"type": "string", "description": "`vidmesh`"},
                    "metadata": {
                        "type": "object",
                        "description": "At least `advice` and `retryable`.",
                        "additionalProperties": {"type": "string"},
                    },
                    "retryDelay": {"type": "string", "description": "How long to wait, such as `7s`."},
                },
            },
        },
    },
}


def document(protos: Protos) -> dict[str, object]:
    """The document."""
    schemas = Schemas(protos)
    schemas.found["Status"] = STATUS
    services = {full_name.rpartition(".")[2]: full_name for full_name in protos.services}
    paths: dict[str, dict[str, object]] = {}
    for name in SERVICES:
        for method in protos.services[services[name]].method:
            found = route(method)
            if found:
                operation = _operation(protos, schemas, services[name], method, found)
                paths.setdefault(found.path, {})[found.verb] = operation
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "vidmesh",
            "version": project["version"],
            "summary": "Videos in; text, summaries, search and cited answers out.",
            "description": ABOUT,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [
            {"url": "http://127.0.0.1:8080", "description": "A mesh on this machine, as `make up` runs it"}
        ],
        "security": [{"token": []}],
        "tags": [{"name": name, "description": protos.comment(services[name])} for name in SERVICES],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "responses": {
                "Error": {
                    "description": "It failed: why, and what to do.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Status"}}},
                }
            },
            "schemas": dict(sorted(schemas.found.items())),
        },
    }


def _operation(
    protos: Protos, schemas: Schemas, service: str, method: MethodDescriptorProto, found: Route
) -> dict[str, object]:
    summary, _, more = protos.comment(f"{service}.{method.name}").partition("\n\n")
    first, _, rest = " ".join(summary.split()).partition(". ")
    operation: dict[str, object] = {
        "operationId": method.name,
        "tags": [service.rpartition(".")[2]],
        "summary": first.rstrip("."),
    }
    if description := "\n\n".join(part for part in (rest, " ".join(more.split())) if part):
        operation["description"] = description
    request = method.input_type.removeprefix(".")
    in_path = frozenset(_PATH_FIELD.findall(found.path))
    parameters = list(_parameters(protos, schemas, request, in_path, in_query=not found.takes_body))
    if parameters:
        operation["parameters"] = parameters
    if found.takes_body:
        name = request.rpartition(".")[2]
        schemas.found[name] = schemas.message(request, leave_out=in_path)
        schema = {"$ref": f"#/components/schemas/{name}"}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    answer = method.output_type.removeprefix(".")
    told = protos.brief(answer)
    if method.server_streaming:
        operation["x-stream"] = True
        told = f"One JSON object a line, each as this schema says. {told}"
    content = {"application/json": {"schema": schemas.reference(answer)}}
    operation["responses"] = {
        "200": {"description": told, "content": content},
        "default": {"$ref": "#/components/responses/Error"},
    }
    return operation


def _parameters(
    protos: Protos, schemas: Schemas, request: str, in_path: frozenset[str], *, in_query: bool
) -> Iterator[dict[str, object]]:
    for field in protos.messages[request].field:
        if field.name in in_path:
            yield _parameter(schemas, field, f"{request}.{field.name}", field.name, "path")
    if in_query:
        yield from _query(protos, schemas, request, leave_out=in_path)


def _query(
    protos: Protos, schemas: Schemas, full_name: str, *, prefix: str = "", leave_out: frozenset[str]
) -> Iterator[dict[str, object]]:
    """The fields of a request as query parameters; those of a message inside it are named `outer.inner`."""
    for field in protos.messages[full_name].field:
        name, inner = f"{prefix}{field.name}", field.type_name.removeprefix(".")
        if name in leave_out:
            continue
        if inner in protos.messages and not is_repeated(field):
            yield from _query(protos, schemas, inner, prefix=f"{name}.", leave_out=leave_out)
        else:
            yield _parameter(schemas, field, f"{full_name}.{field.name}", name, "query")


def _parameter(
    schemas: Schemas, field: FieldDescriptorProto, full_name: str, name: str, where: str
) -> dict[str, object]:
    schema = schemas.field(field, full_name)
    parameter: dict[str, object] = {"name": name, "in": where}
    if where == "path" or schemas.is_required(full_name):
        parameter["required"] = True
    if description := schema.pop("description", ""):
        parameter["description"] = description
    return {**parameter, "schema": schema}
