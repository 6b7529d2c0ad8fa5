"""docker-compose.yml and the images: what can be known of them without a container engine."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from vidmesh_stack.service import SERVICES

ROOT = Path(__file__).parents[3]
COMPOSE = ROOT / "docker-compose.yml"
MESH: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
OURS = {name: one for name, one in MESH["services"].items() if "build" in one}
DOCKERFILES = sorted(
    [*ROOT.glob("services/*/Dockerfile"), ROOT / "gateway/Dockerfile", ROOT / "deploy/keys.Dockerfile"]
)


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """Each instruction and its arguments, continued lines joined."""
    lines = [line for line in dockerfile.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [
        (word, rest)
        for line in joined.splitlines()
        if line.strip()
        for word, _, rest in [line.partition(" ")]
    ]


def of(dockerfile: Path, name: str) -> list[str]:
    return [rest for word, rest in instructions(dockerfile) if word == name]


def sent_to_the_builder() -> set[str]:
    """What .dockerignore lets through."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert lines[0] == "*"
    return {line[1:] for line in lines if line.startswith("!")}


def test_it_is_valid_by_the_compose_specification() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_name_that_it_uses_is_declared() -> None:
    for name, one in MESH["services"].items():
        assert set(one.get("depends_on", ())) <= set(MESH["services"]), name
        assert set(one.get("networks", ())) <= set(MESH["networks"]), name
        secrets = {
            secret if isinstance(secret, str) else secret["source"] for secret in one.get("secrets", ())
        }
        assert secrets <= set(MESH["secrets"]), name
        for volume in one.get("volumes", ()):
            source, _, target = volume.partition(":")
            if target:
                assert source in MESH["volumes"] or (ROOT / source).exists(), f"{name}: {volume}"


def test_what_is_waited_for_can_come_true() -> None:
    """A condition on health needs a health check, in the file, in the image of ours."""
    for name, one in MESH["services"].items():
        for needed, how in one.get("depends_on", {}).items():
            other = MESH["services"][needed]
            if how["condition"] == "service_healthy":
                in_image = "build" in other and of(ROOT / other["build"]["dockerfile"], "HEALTHCHECK")
                assert "healthcheck" in other or in_image, f"{name} waits for {needed}"
            else:
                assert other["restart"] == "no", f"{name} waits for the end of {needed}"


def test_services_can_be_scaled() -> None:
    for name in SERVICES:
        assert not {"container_name", "ports", "hostname"} & set(MESH["services"][name])


def test_only_the_gateway_is_reached_from_outside_and_only_from_this_machine() -> None:
    published = {name: one["ports"] for name, one in MESH["services"].items() if "ports" in one}
    assert published == {"gateway": ["127.0.0.1:${VIDMESH_PORT:-8080}:8080"]}
    assert MESH["networks"]["inside"] == {"internal": True}
    for store in ("postgres", "nats", "qdrant", "database"):
        assert MESH["services"][store]["networks"] == ["inside"]


@pytest.mark.parametrize("name", MESH["services"])
def test_containers_can_do_little(name: str) -> None:
    one = MESH["services"][name]
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in one["security_opt"]
    assert one["mem_limit"]
    assert ":" in one["image"] or "build" in one, "an image of others needs its version"


def test_no_password_is_written_down() -> None:
    assert {list(secret) == ["file"] for secret in MESH["secrets"].values()} == {True}
    assert not re.search(r"PASSWORD=[^$]|://\w+:\w+@", COMPOSE.read_text())


def test_the_services_are_told_where_everything_is() -> None:
    for name in SERVICES:
        told = MESH["services"][name]["environment"]
        assert told["VIDMESH_DATABASE_URL"] == f"postgresql://vidmesh_{name}@postgres/vidmesh"
        assert {"VIDMESH_NATS_URL", "VIDMESH_MEDIA_URL", "VIDMESH_JWKS_PATH"} <= set(told)
        (secret,) = MESH["services"][name]["secrets"]
        assert secret == {"source": f"{name}_password", "target": "password"}


def test_the_gateway_finds_the_services_and_its_keys() -> None:
    envoy = yaml.safe_load((ROOT / "gateway/envoy.yaml").read_text())
    addresses = {
        endpoint["endpoint"]["address"]["socket_address"]["address"]
        for cluster in envoy["static_resources"]["clusters"]
        for locality in cluster["load_assignment"]["endpoints"]
        for endpoint in locality["lb_endpoints"]
    }
    # Its own admin interface, for what it counts, is within its container.
    assert addresses - {"127.0.0.1"} == set(SERVICES) <= set(MESH["services"])
    for name in SERVICES:
        assert "50051" in of(ROOT / f"services/{name}/Dockerfile", "EXPOSE")
    assert "keys:/run/vidmesh/keys:ro" in MESH["services"]["gateway"]["volumes"]


def test_there_is_a_dockerfile_for_each() -> None:
    assert sorted(ROOT / one["build"]["dockerfile"] for one in OURS.values()) == DOCKERFILES


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: str(path.relative_to(ROOT)))
class TestDockerfile:
    """Each image."""

    def test_what_it_copies_is_there_and_sent(self, dockerfile: Path) -> None:
        for arguments in of(dockerfile, "COPY"):
            words = shlex.split(arguments)
            if words[0].startswith("--from="):
                continue
            for source in words[:-1]:
                assert (ROOT / source).exists(), source
                parents = {str(path) for path in (Path(source), *Path(source).parents)}
                assert parents & sent_to_the_builder(), f".dockerignore keeps {source} out"

    def test_it_is_built_apart_from_what_builds_it_and_is_nobody_special(self, dockerfile: Path) -> None:
        stages = [index for index, (word, _) in enumerate(instructions(dockerfile)) if word == "FROM"]
        assert len(stages) >= 2
        final = instructions(dockerfile)[stages[-1] :]
        assert not [rest for word, rest in final if word == "RUN" and ("pip" in rest or "apt" in rest)]
        (user,) = [rest for word, rest in final if word == "USER"]
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)

    def test_what_it_installs_is_pinned_by_the_lock(self, dockerfile: Path) -> None:
        installs = [rest for rest in of(dockerfile, "RUN") if "pip install" in rest]
        assert len(installs) == 2
        for rest in installs:
            assert "--require-hashes" in rest or (
                "--constraint requirements.lock" in rest and "--build-constraint requirements.lock" in rest
            )

    def test_what_it_runs_is_in_it(self, dockerfile: Path) -> None:
        command = " ".join(of(dockerfile, "ENTRYPOINT") + of(dockerfile, "CMD"))
        for module in re.findall(r'"-m", "(\w+)(?:\.(\w+))?"', command):
            package, submodule = module
            found = list(ROOT.glob(f"*/{package}")) + list(ROOT.glob(f"services/*/{package}"))
            assert found, package
            assert (found[0] / f"{submodule or '__main__'}.py").is_file()


def test_secrets_are_made_once_and_become_environment(tmp_path: Path) -> None:
    deploy = tmp_path / "deploy"
    (deploy / "secrets").mkdir(parents=True)
    script = deploy / "make-secrets.sh"
    script.write_text((ROOT / "deploy/make-secrets.sh").read_text())
    subprocess.run(["sh", script], check=True)
    made = {path.name: path.read_text() for path in (deploy / "secrets").iterdir()}
    assert {f"deploy/secrets/{name}" for name in made} == {one["file"] for one in MESH["secrets"].values()}
    assert all(re.fullmatch(r"[0-9a-f]{48}", secret) for secret in made.values())
    subprocess.run(["sh", script], check=True)
    assert {path.name: path.read_text() for path in (deploy / "secrets").iterdir()} == made
    told = subprocess.run(
        ["sh", ROOT / "deploy/entrypoint.sh", "sh", "-c", 'printf %s "$PGPASSWORD"'],
        env={"PATH": "/usr/bin:/bin", "PGPASSWORD_FILE": str(deploy / "secrets" / "query_password")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == made["query_password"]


def test_nats_is_told_each_services_password_in_quotes(tmp_path: Path) -> None:
    """A bare one that begins with a figure would be read as a number."""
    nats = MESH["services"]["nats"]
    assert set(nats["secrets"]) == {f"{name}_password" for name in SERVICES}
    for name in SERVICES:
        (tmp_path / f"{name}_password").write_text(f"12e{name}")
    (command,) = nats["command"]
    script = command.replace("$$", "$").replace("/run/secrets", str(tmp_path))
    assert script.count("exec nats-server --config /etc/nats/nats.conf") == 1
    told = subprocess.run(
        ["sh", "-c", script.replace("exec nats-server --config /etc/nats/nats.conf", "env")],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    for name in SERVICES:
        assert f'{name.upper()}_PASSWORD="12e{name}"\n' in told.stdout
