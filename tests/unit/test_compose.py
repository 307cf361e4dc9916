"""examples/compose: well formed by the words of the Compose specification that it uses, pinned, closed to the outside.

No package ships the specification's schema offline; what is not listed here is refused.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from modelreg.adapters.documents import YamlDocuments

FOLDER = Path(__file__).parents[2] / "examples/compose"
TEXT = (FOLDER / "compose.yaml").read_bytes()

_SECRET = re.compile(r"\$\{([A-Z0-9_]+):\?[^}]+\}")
_PINNED = re.compile(r"[a-z0-9./-]+:\d+\.\d+[a-z0-9.-]*")
_DURATION = re.compile(r"\d+(ms|s|m|h)")
_PORT = re.compile(r"127\.0\.0\.1:\d{1,5}:\d{1,5}")


def strings(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def faults(body: Any) -> list[str]:
    """What is wrong with a Compose file."""
    found = [f"unknown: {key}" for key in set(body) - {"name", "services", "volumes"}]
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", str(body.get("name"))):
        found.append("name")
    volumes = body.get("volumes") or {}
    for name, service in body["services"].items():
        found += [f"{name}: {fault}" for fault in _service(service, volumes, body["services"])]
    return found


def _service(service: dict[str, Any], volumes: dict[str, Any], services: dict[str, Any]) -> list[str]:
    known = {"image", "build", "command", "entrypoint", "environment", "volumes", "ports", "healthcheck", "depends_on",
             "restart"}  # fmt: skip
    found = [f"unknown: {key}" for key in set(service) - known]
    if ("image" in service) == ("build" in service):
        found.append("one of image and build")
    if "image" in service and not _PINNED.fullmatch(service["image"]):
        found.append("image is not pinned")
    if "build" in service:
        inline = service["build"].get("dockerfile_inline", "")
        bases = re.findall(r"^FROM (\S+)", inline, re.MULTILINE)
        if set(service["build"]) != {"dockerfile_inline"} or not bases or not all(map(_PINNED.fullmatch, bases)):
            found.append("build")
    found += [
        key for key in ("command", "entrypoint", "ports", "volumes") if key in service and not strings(service[key])
    ]
    found += ["port" for port in service.get("ports", ()) if not _PORT.fullmatch(port)]
    found += ["volume" for mount in service.get("volumes", ()) if mount.split(":")[0] not in volumes]
    if not all(isinstance(value, str) for value in service.get("environment", {}).values()):
        found.append("environment")
    check = service.get("healthcheck", {})
    if check and not (strings(check["test"]) and check["test"][0] in ("CMD", "CMD-SHELL")):
        found.append("healthcheck")
    found += ["duration" for key in ("interval", "timeout") if key in check and not _DURATION.fullmatch(check[key])]
    for other, how in service.get("depends_on", {}).items():
        conditions = {"service_started", "service_healthy", "service_completed_successfully"}
        if other not in services or set(how) != {"condition"} or how["condition"] not in conditions:
            found.append("depends_on")
        elif how["condition"] == "service_healthy" and "healthcheck" not in services[other]:
            found.append("depends_on: nothing says when it is healthy")
    if service.get("restart", "no") not in ("no", "always", "on-failure", "unless-stopped"):
        found.append("restart")
    return found


def test_the_file_is_well_formed() -> None:
    body = YamlDocuments().load(TEXT, "compose.yaml").value
    assert faults(body) == []
    assert set(body["services"]) == {"postgres", "buckets", "s3", "mlflow"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("image: postgres:17.6", "image: postgres"),
        ("image: postgres:17.6", "image: postgres:latest"),
        ("127.0.0.1:9000:9000", "9000:9000"),
        ("- s3:/data", "- other:/data"),
        ("condition: service_healthy", "condition: healthy"),
        ("depends_on:\n      buckets:", "depends_on:\n      bucket:"),
        ("restart: unless-stopped", "restart: maybe"),
        ("interval: 2s", "interval: 2"),
        ("volumes:\n  postgres: {}", "volume:\n  postgres: {}"),
        ("FROM python:3.12.11-slim-bookworm", "FROM python"),
    ],
)
def test_the_check_sees_what_is_wrong(old: str, new: str) -> None:
    assert old in TEXT.decode()
    body = YamlDocuments().load(TEXT.decode().replace(old, new).encode(), "compose.yaml").value
    try:
        assert faults(body)
    except (TypeError, KeyError, AttributeError):
        return


def test_no_secret_is_in_it() -> None:
    """Each is asked of .env, which git ignores; a missing one stops compose."""
    text = TEXT.decode()
    asked = set(_SECRET.findall(text))
    example = dict(line.split("=") for line in (FOLDER / "env.example").read_text().splitlines() if "=" in line)
    assert asked == set(example)
    assert not any(example.values())
    assert (FOLDER / ".gitignore").read_text() == ".env\n"
    for line in text.splitlines():
        if re.search("password|secret|auth-key", line, re.IGNORECASE):
            assert _SECRET.search(line), line
