"""Writes the blocking client, vidmesh/blocking.py, from the asynchronous one: `python sdk/python/generate.py [FILE]`.

Each public method of AsyncClient and AsyncSubmission gets a twin of the same name, parameters and docstring, which does the
work in the client's background thread and waits for it.
"""

import ast
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent / "vidmesh"

HEAD = '''"""The blocking client: AsyncClient and AsyncSubmission for programs without an event loop.

Made from client.py and submission.py by `make generate`; do not edit.
"""
'''

CLIENT = '''
class Client:
    """A mesh, by its endpoint and a token, for programs without an event loop. May be used from several threads.

    `ingest`, `transcribe`, `summarize` and `query` are the services' own stubs: every call of the API is there. All calls
    raise VidmeshError, carry the token, and end after `deadline` unless they stream. A mutation gets a request_id where it
    has none; a call that may be repeated is tried up to `attempts` times where its failure says that trying again helps.
    An https endpoint's certificate must be vouched for by `authorities`, in PEM, or where that is None by a known one.

    Work is done in a thread of the client's own; functions that are given to it, such as `progress`, are called there.
    Leaving `with` waits until the files are sent that were submitted; leaving it by an error stops that.
    """

    def __init__(
        self,
        endpoint: str = ENDPOINT,
        token: TokenSource | None = None,
        *,
        deadline: timedelta = timedelta(seconds=30),
        attempts: int = 3,
        authorities: bytes | None = None,
    ) -> None:
        read_endpoint(endpoint)  # what is no endpoint is refused before a thread is begun
        self._background = Background()

        async def connect() -> AsyncClient:
            return AsyncClient(
                endpoint, token, deadline=deadline, attempts=attempts, authorities=authorities
            )

        self._inner = self._background.run(connect())
        bridge = cast("grpc.Channel", Bridge(self._background, self._inner.channel))
        self.ingest = IngestServiceStub(bridge)
        self.transcribe = TranscribeServiceStub(bridge)
        self.summarize = SummarizeServiceStub(bridge)
        self.query = QueryServiceStub(bridge)

    @classmethod
    def from_environment(cls) -> Self:
        """Make a client of VIDMESH_ENDPOINT, or of a mesh on this machine, with the token of VIDMESH_TOKEN.

        VIDMESH_CA may name a file in PEM with the authorities that vouch for the endpoint's certificate.
        """
        told = os.environ.get
        authorities = Path(path).read_bytes() if (path := told("VIDMESH_CA")) else None
        return cls(
            told("VIDMESH_ENDPOINT") or ENDPOINT, told("VIDMESH_TOKEN") or None, authorities=authorities
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._background.run(self._inner.__aexit__(kind, error, trace))
        finally:
            self._background.close()

    def close(self) -> None:
        """Close the connection; calls in flight are cancelled, and so are jobs whose files are still being sent."""
        if not self._background.closed:
            self._background.run(self._inner.close())
            self._background.close()
'''

SUBMISSION = '''
class Submission:
    """A video that was handed over: its job, and how to follow it."""

    def __init__(self, background: Background, inner: AsyncSubmission) -> None:
        self._background = background
        self._inner = inner
        self.job: Job = inner.job
        """The job as it was when it was handed over."""
        self.existing: bool = inner.existing
        """Whether the source was known and this job is not a new one."""

    @property
    def sending(self) -> bool:
        """Whether bytes of its file are still to be sent."""
        return self._inner.sending
'''

WRITTEN_ABOVE = {"from_environment", "close", "sending"}
SUBMITTED = """Hand over a link (str), a file on this machine (Path) or an upload, and begin a job.

        `client.submit(...).watch()` follows it. While its events are read, and after, a file goes on being sent."""


def blocking() -> str:
    """Give the source of vidmesh/blocking.py."""
    client, submission = (PACKAGE / name for name in ("client.py", "submission.py"))
    parts = [HEAD, *_imports(client), SUBMISSION, *_twins(submission, "AsyncSubmission")]
    return _formatted("\n".join([*parts, CLIENT, *_twins(client, "AsyncClient")]))


def _imports(client: Path) -> list[str]:
    """The imports of the asynchronous client, for the types in the signatures, and the twins' own; Ruff drops the rest."""
    tree = ast.parse(client.read_text())
    found = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return [
        *found,
        "from collections.abc import Generator",
        "from typing import cast",
        "from vidmesh.background import Background",
        "from vidmesh.bridge import Bridge",
        "from vidmesh.client import ENDPOINT, HEAD_START, AsyncClient, read_endpoint",
    ]


def _twins(path: Path, name: str) -> list[str]:
    tree = ast.parse(path.read_text())
    found = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    methods = [node for node in found.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [_twin(one) for one in methods if not one.name.startswith("_") and one.name not in WRITTEN_ABOVE]


def _twin(method: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Give the blocking twin of a method: one that gives items yields them, any other gives its result."""
    arguments = method.args
    passed = [one.arg for one in arguments.args[1:]] + [
        f"{one.arg}={one.arg}" for one in arguments.kwonlyargs
    ]
    call = f"self._inner.{method.name}({', '.join(passed)})"
    told, doc = ast.unparse(method.returns or ast.Constant(None)), ast.get_docstring(method, clean=False)
    if told == "Submitting":
        told, body = "Submission", f"return Submission(self._background, self._background.run({call}))"
        doc = SUBMITTED + (doc or "").partition("async for message in client.submit(...).watch()`.")[2]
    elif told.startswith("AsyncGenerator["):
        told = f"Generator[{told.removeprefix('AsyncGenerator[').removesuffix(', None]')}, None, None]"
        body = f"return self._background.iterate({call})"
    else:
        body = f"{'return ' if told != 'None' else ''}self._background.run({call})"
    note = "  # noqa: A002 - the API's word" if "format" in passed else ""
    return (
        f"    def {method.name}({ast.unparse(arguments)}) -> {told}:{note}\n"
        f'        """{doc}"""\n        {body}\n'
    )


def _formatted(source: str) -> str:
    """Give source as Ruff would have it."""
    name = str(PACKAGE / "blocking.py")
    for command in (("check", "--fix", "--quiet", "--exit-zero"), ("format", "--quiet")):
        ruff = [str(Path(sys.executable).parent / "ruff"), *command, "--stdin-filename", name, "-"]
        done = subprocess.run(ruff, input=source, capture_output=True, text=True, check=True)  # noqa: S603 - our own words
        source = done.stdout
    return source


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else PACKAGE / "blocking.py"
    target.write_text(blocking())
