"""The web app behind the gateway: its files as answers that Envoy gives by itself, from memory."""

from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

PAGES = ("/library", "/search", "/ask", "/system")
"""Addresses that the app reads itself, with what is below them: each gets its one page. `/` does too."""
PAGES_BELOW = ("/ask/", "/watch/")

_BY_A_READER = [
    {"name": ":method", "string_match": {"exact": "GET"}},
    {"name": "accept", "string_match": {"contains": "text/html"}},
]
"""Who follows a link that leads nowhere: the app says so, with a way on. The API's addresses are not meant."""
_API = "/v1/"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

_POLICY = (
    "default-src 'self'; img-src 'self' data:; "
    # Sound and picture: files of the reader's own, and links that the browser plays by itself.
    "media-src 'self' blob: http: https:; frame-src https://www.youtube-nocookie.com; "
    # Components place themselves by style attributes. Scripts come from files alone.
    "style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def built() -> Path | None:
    """The folder of the built app: inside an installed package, or the checkout's; None where it was not built."""
    packaged = Path(str(resources.files("vidmesh_stack").joinpath("web")))
    checkout = Path(__file__).parents[2] / "gateway" / "web" / "dist"
    return next((folder for folder in (packaged, checkout) if (folder / "index.html").is_file()), None)


def serve(config: dict[str, Any], folder: Path, *, seen_as: Path | None = None) -> None:
    """Make Envoy's configuration serve the app in `folder`, in place of its front page.

    `seen_as` is where Envoy finds the folder, if that is elsewhere, as in an image. Calls need their token as before; the
    app's own files need none.
    """
    (chain,) = config["static_resources"]["listeners"][0]["filter_chains"]
    manager = chain["filters"][0]["typed_config"]
    filters = {one["name"]: one["typed_config"] for one in manager["http_filters"]}
    (host,) = manager["route_config"]["virtual_hosts"]
    files = {f"/{path.relative_to(folder).as_posix()}": path for path in _files(folder)}
    shown = seen_as or folder

    index = shown / "index.html"
    answers = [
        *(_answer({"path": name}, shown / path.relative_to(folder)) for name, path in files.items()),
        *(_answer({"path": name}, index) for name in ("/", *PAGES)),
        *(_answer({"prefix": name}, index) for name in PAGES_BELOW),
    ]
    lost = _answer({"prefix": "/", "headers": _BY_A_READER}, index)
    # Before the front page's route and the one that answers 404, after the API's.
    host["routes"] = [route for route in host["routes"] if route["match"] != {"path": "/"}]
    host["routes"][-1:-1] = [*answers, lost]
    largest = max(path.stat().st_size for path in files.values())
    manager["route_config"]["max_direct_response_body_size_bytes"] = max(largest, 4096)

    rules = filters["envoy.filters.http.jwt_authn"]["rules"]
    rules[-1:-1] = [
        *({"match": answer["match"]} for answer in answers if answer["match"] != {"path": "/"}),
        {"match": {"prefix": _API}, "requires": rules[-1]["requires"]},
        {"match": lost["match"]},
    ]
    # After the filters that look at calls: an answer passes them from the last to the first.
    manager["http_filters"].insert(0, _COMPRESSOR)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.suffix in _TYPES)


def _answer(match: dict[str, Any], file: Path) -> dict[str, Any]:
    headers = {
        "content-type": _TYPES[file.suffix],
        # Names in assets/ change with their contents; the rest is asked after each time.
        "cache-control": "public, max-age=31536000, immutable"
        if file.parent.name == "assets"
        else "no-cache",
        "x-content-type-options": "nosniff",
        **({"content-security-policy": _POLICY} if file.suffix == ".html" else {}),
    }
    return {
        "match": match,
        "typed_per_filter_config": {
            "envoy.filters.http.grpc_json_transcoder": {
                "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig",
                "disabled": True,
            }
        },
        "direct_response": {"status": 200, "body": {"filename": str(file)}},
        "response_headers_to_add": [
            {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
            for key, value in headers.items()
        ],
    }


_COMPRESSOR = {
    "name": "envoy.filters.http.compressor",
    "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.compressor.v3.Compressor",
        "response_direction_config": {
            "common_config": {
                "min_content_length": 512,
                "content_type_matcher": [{"prefix": kind.split(";")[0]} for kind in _TYPES.values()],
            }
        },
        "compressor_library": {
            "name": "gzip",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.compression.gzip.compressor.v3.Gzip",
                "memory_level": 9,
                "window_bits": 15,
                "compression_level": "COMPRESSION_LEVEL_9",
            },
        },
    },
}
