"""The JSON form of the API's messages (https://protobuf.dev/programming-guides/json) as JSON Schema 2020-12."""

from collections.abc import Mapping

from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from docs.reference.described import Protos, is_repeated

Schema = dict[str, object]

_WELL_KNOWN: Mapping[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {
        "type": "string",
        "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$",
        "examples": ["12.5s"],
    },
}
_SCALARS: Mapping[int, Schema] = {
    FieldDescriptorProto.TYPE_STRING: {"type": "string"},
    FieldDescriptorProto.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    FieldDescriptorProto.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptorProto.TYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptorProto.TYPE_INT64: {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"},
    FieldDescriptorProto.TYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptorProto.TYPE_FLOAT: {"type": "number", "format": "float"},
}


class Schemas:
    """The schemas of the messages and enums that a document refers to, by their names without package."""

    def __init__(self, protos: Protos) -> None:
        self._protos = protos
        self._full_names: dict[str, str] = {}
        self.found: dict[str, Schema] = {}

    def reference(self, full_name: str) -> Schema:
        """A reference to a message or enum, whose schema joins those found."""
        if full_name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[full_name])
        name = full_name.rpartition(".")[2]
        if self._full_names.setdefault(name, full_name) != full_name:
            raise ValueError(f"{full_name} and {self._full_names[name]} would have one name in the document")
        if name not in self.found:
            self.found[name] = {}  # a message may hold itself
            is_enum = full_name in self._protos.enums
            self.found[name] = self._enum(full_name) if is_enum else self.message(full_name)
        return {"$ref": f"#/components/schemas/{name}"}

    def message(self, full_name: str, *, leave_out: frozenset[str] = frozenset()) -> Schema:
        """The schema of a message, without the fields that are sent elsewhere."""
        fields = [one for one in self._protos.messages[full_name].field if one.name not in leave_out]
        schema: Schema = {"type": "object"}
        if description := self._protos.brief(full_name):
            schema["description"] = description
        schema["properties"] = {
            field.json_name: self.field(field, f"{full_name}.{field.name}") for field in fields
        }
        required = [field.json_name for field in fields if self.is_required(f"{full_name}.{field.name}")]
        if required:
            schema["required"] = required
        return schema

    def field(self, field: FieldDescriptorProto, full_name: str) -> Schema:
        """The schema of a field, with its comment."""
        entry = self._protos.maps.get(field.type_name.removeprefix("."))
        if entry is not None:
            schema: Schema = {"type": "object", "additionalProperties": self._one(entry.field[1])}
        elif is_repeated(field):
            schema = {"type": "array", "items": self._one(field)}
        else:
            schema = self._one(field)
        if description := self._protos.brief(full_name):
            schema["description"] = description
        return schema

    def _one(self, field: FieldDescriptorProto) -> Schema:
        """The schema of one value of a field."""
        if field.type_name:
            return self.reference(field.type_name.removeprefix("."))
        return dict(_SCALARS[field.type])

    def is_required(self, full_name: str) -> bool:
        """Whether a field's comment says that it must be given."""
        return self._protos.brief(full_name).endswith("Required.")

    def _enum(self, full_name: str) -> Schema:
        values = [value.name for value in self._protos.enums[full_name].value]
        told = [f"- `{name}`: {self._protos.brief(f'{full_name}.{name}')}" for name in values]
        description = "\n".join([self._protos.brief(full_name), "", *told])
        return {"type": "string", "description": description, "enum": values}
