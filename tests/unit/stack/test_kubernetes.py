"""The Kubernetes manifests say what Compose says, and name what the services really have."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from vidmesh_runtime import bus
from vidmesh_runtime.settings import ServiceSettings

FOLDER = Path("deploy/kubernetes")
STAGES = {"transcribe": "transcribe", "summarize": "summarize", "query": "index"}


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text()))


KUSTOMIZATION = documents("kustomization.yaml")[0]
COMPOSE = yaml.safe_load(Path("docker-compose.yml").read_text())["services"]


def settings_of(service: str) -> set[str]:
    """The environment variables that a service reads."""
    package = importlib.import_module(f"vidmesh_{service}.settings")
    [found] = [
        one
        for one in vars(package).values()
        if isinstance(one, type) and issubclass(one, ServiceSettings) and one is not ServiceSettings
    ]
    return {f"VIDMESH_{field.upper()}" for field in found.model_fields}


def test_every_manifest_is_applied() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*KUSTOMIZATION["resources"], "kustomization.yaml"}


@pytest.mark.parametrize("service", ["ingest", "transcribe", "summarize", "query"])
def test_a_service_is_told_what_it_knows(service: str) -> None:
    deployment, address = documents(f"{service}.yaml")[:2]
    assert deployment["metadata"]["labels"] == {"vidmesh/part": "service"}
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == COMPOSE[service]["image"]
    common = {one.split("=")[0] for one in KUSTOMIZATION["configMapGenerator"][0]["literals"]}
    own = {variable["name"] for variable in container["env"]}
    assert {name for name in common | own if name.startswith("VIDMESH_")} <= settings_of(service)
    # What has no default is given; the image gives the folder.
    assert {"VIDMESH_NATS_URL", "VIDMESH_MEDIA_URL", "VIDMESH_JWKS_PATH"} <= common
    assert "VIDMESH_DATABASE_URL" in own
    volumes = {volume["name"] for volume in deployment["spec"]["template"]["spec"]["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    # The gateway's own file finds it by this name and port, every pod of it.
    assert address["metadata"]["name"] == service
    assert address["spec"]["clusterIP"] == "None"
    [port] = address["spec"]["ports"]
    upstream = rf"address: {service}, port_value: {port['port']}\b"
    assert re.search(upstream, Path("gateway/envoy.yaml").read_text())


def test_the_autoscaler_reads_queues_that_exist() -> None:
    scaled = {one["metadata"]["name"]: one["spec"] for one in documents("autoscale.yaml")}
    assert set(scaled) == set(STAGES)
    for service, spec in scaled.items():
        assert spec["scaleTargetRef"]["name"] == service
        [trigger] = spec["triggers"]
        assert trigger["type"] == "nats-jetstream"
        assert trigger["metadata"]["stream"] == bus.WORK
        assert trigger["metadata"]["consumer"] == bus.work_consumer(STAGES[service])
