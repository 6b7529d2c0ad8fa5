"""python-reference.md: the Python SDK, from its docstrings."""

import ast
import inspect
import textwrap
from collections.abc import Iterator

from vidmesh import AsyncClient, AsyncSubmission, Client, Submission, UploadProgress, VidmeshError

_WIDE = 110

# Which members of each class are told: all, or some where the twin's are the same.
_TOLD: dict[type, tuple[str, ...] | None] = {
    Client: None,
    Submission: None,
    AsyncClient: ("__init__", "submit"),
    AsyncSubmission: (),
    UploadProgress: None,
    VidmeshError: None,
}
_MADE_BY_CALLERS = (Client, AsyncClient)


def page() -> str:
    """The page."""
    lines = [
        "# The Python SDK",
        "",
        "Made from its docstrings by `make docs`; [python.md](python.md) is where to begin. `AsyncClient` and `AsyncSubmission`",
        "have the methods of `Client` and `Submission`, with `await` and `async for`; what `AsyncClient.submit` gives can be",
        "awaited, or watched at once.",
    ]
    for one, told in _TOLD.items():
        lines += ["", f"## {one.__name__}", "", inspect.getdoc(one) or ""]
        lines += _members(one, told)
    return "\n".join(lines) + "\n"


def _members(owner: type, told: tuple[str, ...] | None) -> Iterator[str]:
    """A class's constructor, methods and attributes, in the order of the source."""
    [definition] = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    if not isinstance(definition, ast.ClassDef):
        raise TypeError(f"{owner} is no class")
    for node, after in _documented(definition):
        match node:
            case ast.FunctionDef(name="__init__"):
                if owner in _MADE_BY_CALLERS:
                    yield from _method(owner.__name__, node, "")
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                if not name.startswith("_") and (told is None or name in told):
                    yield from _method(owner.__name__, node, ast.get_docstring(node) or "")
            case ast.AnnAssign(target=ast.Name(id=name) | ast.Attribute(attr=name)):
                if (doc := _text(after)) and (told is None or name in told):
                    yield from (
                        "",
                        f"### {name}",
                        "",
                        *_code(f"{name}: {ast.unparse(node.annotation)}"),
                        "",
                        doc,
                    )


def _documented(definition: ast.ClassDef) -> Iterator[tuple[ast.stmt, ast.stmt | None]]:
    """A class's statements and those of its constructor that set attributes, each with the one after it."""
    nodes: list[ast.stmt] = []
    for node in definition.body:
        nodes.append(node)
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            nodes += [one for one in node.body if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    return zip(nodes, [*nodes[1:], None], strict=True)


def _method(owner: str, node: ast.FunctionDef | ast.AsyncFunctionDef, doc: str) -> Iterator[str]:
    decorators = {ast.unparse(one) for one in node.decorator_list}
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    if node.name == "__init__":
        name, signature = owner, _call(owner, node.args, "")
    elif "property" in decorators:
        name, signature = node.name, f"{node.name}:{returns.removeprefix(' ->')}"
    else:
        name = f"{owner}.{node.name}" if "classmethod" in decorators else node.name
        signature = _call(name, node.args, returns)
    yield from ("", f"### {name}", "", *_code(signature))
    if doc:
        yield from ("", doc)


def _call(name: str, arguments: ast.arguments, returns: str) -> str:
    """A signature on one line, or on one for each parameter where that is too long."""
    positional = arguments.args[1:]  # without self
    defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
    parameters = [_parameter(*one) for one in zip(positional, defaults, strict=True)]
    if arguments.kwonlyargs:
        named = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        parameters += ["*", *(_parameter(*one) for one in named)]
    line = f"{name}({', '.join(parameters)}){returns}"
    if len(line) <= _WIDE:
        return line
    return "\n".join([f"{name}(", *(f"    {one}," for one in parameters), f"){returns}"])


def _parameter(argument: ast.arg, default: ast.expr | None) -> str:
    kind = f": {ast.unparse(argument.annotation)}" if argument.annotation else ""
    return f"{argument.arg}{kind}" + (f" = {ast.unparse(default)}" if default is not None else "")


def _code(text: str) -> Iterator[str]:
    yield from ("```python", text, "```")


def _text(node: ast.stmt | None) -> str:
    """The text of a string that stands alone after an attribute."""
    match node:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return inspect.cleandoc(text)
    return ""
