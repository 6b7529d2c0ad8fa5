"""deploy/alarms.yaml speaks of metrics that the running mesh really tells."""

import json
from pathlib import Path

import httpx

from tests.alarms import ALARMS, BY_PROMETHEUS, samples, selectors
from tests.e2e.conftest import Mesh


def exported(mesh: Mesh) -> dict[str, list[dict[str, str]]]:
    """The labels of all samples that the mesh tells Prometheus, by metric; `part` and `job` as Prometheus adds them."""
    found: dict[str, list[dict[str, str]]] = {}
    for told in json.loads((mesh.data / "run" / "metrics.json").read_text()):
        (target,) = told["targets"]
        answer = httpx.get(f"http://{target}/metrics")
        assert answer.status_code == 200
        for name, labels in samples(answer.text):
            found.setdefault(name, []).append(labels | told["labels"] | {"job": "vidmesh"})
    return found


def test_every_metric_and_label_of_an_alarm_is_told_by_a_running_part(mesh: Mesh) -> None:
    told = exported(mesh)
    for alarm in ALARMS:
        for name, labels in selectors(alarm["expr"]):
            if name in BY_PROMETHEUS:
                continue
            assert name in told, f"{alarm['alert']}: nothing tells {name}"
            fitting = [one for one in told[name] if labels.items() <= one.items()]
            assert fitting, f"{alarm['alert']}: {name} is told, but nowhere with {labels}"


def test_every_part_but_the_stores_is_watched(mesh: Mesh) -> None:
    parts = {told["labels"]["part"] for told in json.loads((mesh.data / "run" / "metrics.json").read_text())}
    assert parts == set(mesh.stack.parts) - {"nats", "postgres"}


def test_the_gateway_tells_prometheus_nothing_else_of_its_admin_interface(mesh: Mesh) -> None:
    ports = {
        one["labels"]["part"]: one["targets"][0]
        for one in json.loads((mesh.data / "run" / "metrics.json").read_text())
    }
    for path in ("/", "/config_dump", "/certs", "/stats", "/metrics/../config_dump"):
        assert httpx.get(f"http://{ports['gateway']}{path}").status_code == 404
    assert httpx.post(f"http://{ports['gateway']}/metrics").status_code == 404
    assert httpx.post(f"http://{ports['gateway']}/quitquitquit").status_code == 404


def test_the_file_for_prometheus_is_for_its_owner_alone(mesh: Mesh) -> None:
    path = Path(mesh.data / "run" / "metrics.json")
    assert path.stat().st_mode & 0o777 == 0o600
