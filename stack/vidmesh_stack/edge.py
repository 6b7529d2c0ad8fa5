"""gateway/envoy.yaml, fitted to where it runs: `python -m vidmesh_stack.edge OUT [--origin URL]... [--rate N] [--web FOLDER] [--identity FOLDER]` for an
image."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from vidmesh_runtime.identity import Identity
from vidmesh_stack.certificate import Certificate, identity_in
from vidmesh_stack.web import serve


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
    rate: int = 500
    """Calls a second that each tenant may make; ten times as many at once."""
    web: Path | None = None
    """The folder of the built web app. None: a front page in words."""
    certificate: Certificate | None = None
    """What the port speaks TLS with. None: it speaks plain HTTP."""
    identity: Identity | None = None
    """Who the gateway is to the services, where they let in nobody else. None: they are called without TLS."""
    metrics: int | None = None
    """The loopback port on which Prometheus reads what Envoy counts. None: it is not told."""
    inside: Path | None = None
    """A Unix socket that answers in plain HTTP as the port would, for who looks after the gateway."""


def template() -> dict[str, Any]:
    """gateway/envoy.yaml: from the checkout, or the copy inside an installed package."""
    packaged = resources.files("vidmesh_stack").joinpath("envoy.yaml")
    checkout = Path(__file__).parents[2] / "gateway" / "envoy.yaml"
    text = packaged.read_text("utf-8") if packaged.is_file() else checkout.read_text("utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    shared = yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are safe ones
    # YAML's aliases are one object in many places: as JSON they are as many objects, and one can be changed alone.
    config: dict[str, Any] = json.loads(json.dumps(shared))
    return config


def fit(config: dict[str, Any], edge: Edge) -> dict[str, Any]:
    """The configuration with this machine's addresses and paths in place of Compose's."""
    config = deepcopy(config)
    config["admin"]["address"] = {"pipe": {"path": str(edge.admin_socket), "mode": 0o600}}
    listener, metrics = config["static_resources"]["listeners"]
    listener["address"]["socket_address"] = {"address": edge.host, "port_value": edge.port}
    filters = dict(_named(listener))
    filters["envoy.filters.http.jwt_authn"]["providers"]["vidmesh"]["local_jwks"] = {
        "filename": str(edge.jwks)
    }
    filters["envoy.filters.http.grpc_json_transcoder"]["proto_descriptor"] = str(edge.descriptors)
    allow_origins(config, edge.origins)
    limit_rate(config, edge.rate)
    if edge.web is not None:
        serve(config, edge.web)
    if edge.inside is not None:
        config["static_resources"]["listeners"].append(_inside(listener, edge.inside))
    if edge.certificate is not None:
        speak_tls(config, edge.certificate)
    if edge.identity is not None:
        show_identity(config, edge.identity)
    admin, *services = config["static_resources"]["clusters"]
    if edge.metrics is None:
        config["static_resources"]["listeners"].remove(metrics)
        config["static_resources"]["clusters"].remove(admin)
    else:
        metrics["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": edge.metrics}
        (endpoint,) = admin["load_assignment"]["endpoints"][0]["lb_endpoints"]
        endpoint["endpoint"]["address"] = {"pipe": {"path": str(edge.admin_socket)}}
    for cluster in services:
        del cluster["cluster_type"]
        cluster["type"] = "STATIC"
        cluster["load_assignment"]["endpoints"] = [
            {"lb_endpoints": [_endpoint(port) for port in edge.backends.get(cluster["name"], ())]}
        ]
    return config


def allow_origins(config: dict[str, Any], origins: Sequence[str]) -> None:
    """Let web apps of `origins` call."""
    (chain,) = config["static_resources"]["listeners"][0]["filter_chains"]
    manager = chain["filters"][0]["typed_config"]
    (host,) = manager["route_config"]["virtual_hosts"]
    policy = host["typed_per_filter_config"]["envoy.filters.http.cors"]
    policy["allow_origin_string_match"] += [{"exact": origin} for origin in origins]


def speak_tls(config: dict[str, Any], certificate: Certificate) -> None:
    """Let the port speak TLS alone, and browsers know that it does. The files are read again when their folder changes."""
    (chain,) = config["static_resources"]["listeners"][0]["filter_chains"]
    chain["transport_socket"] = {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {
                "alpn_protocols": ["h2", "http/1.1"],
                **_shown(certificate.chain, certificate.key),
            },
        },
    }
    (host,) = chain["filters"][0]["typed_config"]["route_config"]["virtual_hosts"]
    host["response_headers_to_add"] = [
        {"header": {"key": "strict-transport-security", "value": "max-age=31536000"}}
    ]


def show_identity(config: dict[str, Any], identity: Identity) -> None:
    """Call the services over mutual TLS: each must have a certificate for its own name, which is the cluster's."""
    _, *services = config["static_resources"]["clusters"]
    for cluster in services:
        is_named = {"san_type": "DNS", "matcher": {"exact": cluster["name"]}}
        cluster["transport_socket"] = {
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                "sni": cluster["name"],
                "common_tls_context": {
                    "alpn_protocols": ["h2"],
                    **_shown(identity.certificate, identity.key),
                    "validation_context": {
                        "trusted_ca": {"filename": str(identity.authority)},
                        "match_typed_subject_alt_names": [is_named],
                    },
                },
            },
        }


def _shown(chain: Path, key: Path) -> dict[str, Any]:
    """The part of a TLS context that is about one's own certificate. It is read again when its folder changes."""
    return {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "tls_certificates": [
            {
                "certificate_chain": {"filename": str(chain)},
                "private_key": {"filename": str(key)},
                "watched_directory": {"path": str(chain.parent)},
            }
        ],
    }


def _inside(listener: dict[str, Any], socket: Path) -> dict[str, Any]:
    inside = deepcopy(listener)
    inside["name"] = "inside"
    inside["address"] = {"pipe": {"path": str(socket), "mode": 0o600}}
    del inside["enable_reuse_port"]
    return inside


def limit_rate(config: dict[str, Any], rate: int) -> None:
    """Let each tenant make so many calls a second, and ten times as many at once."""
    (tenant,) = dict(_named(config))["envoy.filters.http.local_ratelimit"]["descriptors"]
    tenant["token_bucket"] |= {"max_tokens": 10 * rate, "tokens_per_fill": rate}


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


def main() -> None:
    """Write the configuration for Compose, with more web origins and the web app."""
    parser = argparse.ArgumentParser(prog="python -m vidmesh_stack.edge", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--origin", action="append", default=[])
    parser.add_argument("--rate", type=int, help="calls a second that each tenant may make")
    parser.add_argument("--web", type=Path, help="the folder of the built web app")
    parser.add_argument("--web-at", type=Path, help="where the gateway finds that folder, if elsewhere")
    parser.add_argument(
        "--identity",
        type=Path,
        help="call the services over mutual TLS, with the certificates of this folder",
    )
    asked = parser.parse_args()
    config = template()
    allow_origins(config, asked.origin)
    if asked.rate is not None:
        limit_rate(config, asked.rate)
    if asked.web is not None:
        serve(config, asked.web, seen_as=asked.web_at)
    if asked.identity is not None:
        show_identity(config, identity_in(asked.identity, "gateway"))
    asked.out.write_text(json.dumps(config, indent=1))


if __name__ == "__main__":
    main()
