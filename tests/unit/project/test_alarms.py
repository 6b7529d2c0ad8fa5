"""deploy/alarms.yaml and what docs/operations.md says of it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.alarms import ALARMS, FILE, selectors

ROOT = FILE.parents[1]
TRIALS = ROOT / "tests" / "data" / "alarms.yaml"
RUNBOOKS = (ROOT / "docs" / "operations.md").read_text()


def test_each_alarm_has_a_runbook_and_each_runbook_its_alarm() -> None:
    headings = re.findall(r"^### (Vidmesh\w+)$", RUNBOOKS, flags=re.MULTILINE)
    assert sorted(headings) == sorted(alarm["alert"] for alarm in ALARMS)


def test_a_runbook_says_what_it_means_how_to_look_and_what_to_do() -> None:
    for part in re.split(r"^### (?=Vidmesh)", RUNBOOKS, flags=re.MULTILINE)[1:]:
        runbook = re.split(r"^## ", part, flags=re.MULTILINE)[0]
        name = runbook.splitlines()[0]
        for word in ("**Means**", "**Look**", "**Do**"):
            assert runbook.count(word) == 1, (name, word)


def test_each_alarm_says_how_bad_it_is_and_where_to_read_on() -> None:
    for alarm in ALARMS:
        assert alarm["labels"]["severity"] in {"critical", "warning", "info"}
        assert alarm["annotations"]["summary"]
        assert alarm["annotations"]["runbook_url"] == f"docs/operations.md#{alarm['alert'].lower()}"
        assert list(selectors(alarm["expr"]))


def test_each_alarm_is_set_off_in_a_trial() -> None:
    trials = [
        trial for test in yaml.safe_load(TRIALS.read_text())["tests"] for trial in test["alert_rule_test"]
    ]
    loud = {trial["alertname"] for trial in trials if trial["exp_alerts"]}
    assert loud == {alarm["alert"] for alarm in ALARMS}


def test_the_alarms_go_off_as_the_trials_say() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not here; Debian's package prometheus has it")
    done = subprocess.run(
        [promtool, "test", "rules", str(TRIALS)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_expressions_are_read_right() -> None:
    read = list(selectors('max by (part) (a_b{c="d", e!="f"}) / rate(g[5m]) > 800e6'))
    assert read == [("a_b", {"c": "d"}), ("g", {})]


def test_prometheus_is_told_of_the_alarms_and_of_every_part_that_has_figures() -> None:
    config = yaml.safe_load((ROOT / "deploy" / "prometheus.yaml").read_text())
    assert config["rule_files"] == [FILE.name]
    (scraped,) = config["scrape_configs"]
    assert scraped["job_name"] == "vidmesh"
    (names,) = scraped["dns_sd_configs"]
    composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert set(names["names"]) == {"ingest", "transcribe", "summarize", "query", "gateway"} <= set(composed)
    told = {
        composed[name]["environment"]["VIDMESH_METRICS_LISTEN"]
        for name in names["names"]
        if name != "gateway"
    }
    assert told == {f"${{VIDMESH_METRICS_LISTEN:-0.0.0.0:{names['port']}}}"}
    envoy = yaml.safe_load(Path(ROOT / "gateway" / "envoy.yaml").read_text())
    (metrics,) = (one for one in envoy["static_resources"]["listeners"] if one["name"] == "metrics")
    assert metrics["address"]["socket_address"]["port_value"] == names["port"]
