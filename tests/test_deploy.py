"""What is deployed: the compose file against the compose schema and by what it must contain; the settings example."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.settings import Settings

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = ("topics", "tally", "watch", "wallboard", "notify", "simulate")


def test_the_compose_file_is_valid_under_the_compose_schema() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(ROOT / "docker-compose.yml")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_service_is_there() -> None:
    assert set(COMPOSE["services"]) == {"kafka", "valkey", *OURS}
    assert COMPOSE["services"]["simulate"]["profiles"] == ["simulate"]
    assert COMPOSE["services"]["notify"]["profiles"] == ["notify"]


@pytest.mark.parametrize("name", OURS)
def test_our_services_are_confined(name: str) -> None:
    service = COMPOSE["services"][name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_ports_are_published_on_loopback_only() -> None:
    for service in COMPOSE["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@pytest.mark.parametrize("name", OURS)
def test_the_commands_are_commands_of_lotrinh(name: str) -> None:
    command = COMPOSE["services"][name]["command"]
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", *command, "--help"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_images_are_those_the_project_is_tested_with() -> None:
    from streams.local.kafka import VERSION

    assert COMPOSE["services"]["kafka"]["image"] == f"apache/kafka:{VERSION}"
    assert not [
        s["image"] for s in COMPOSE["services"].values() if s["image"].endswith(":latest") or ":" not in s["image"]
    ]


def test_the_container_runs_as_nobody_in_particular_from_a_locked_set() -> None:
    text = (ROOT / "deploy/Dockerfile").read_text()

    assert "USER 10001" in text
    assert "--require-hashes -r deploy/requirements.lock" in text


def test_every_name_of_the_settings_example_is_a_setting() -> None:
    names = re.findall(r"^#? ?LOTRINH_([A-Z_]+)=", (ROOT / "deploy/settings.example.env").read_text(), re.MULTILINE)

    assert names
    assert {n.lower() for n in names} <= set(Settings.model_fields)


def test_secrets_are_never_shown() -> None:
    settings = Settings(kafka_password="hunter2", redis="redis://:hunter2@x/0")  # type: ignore[arg-type]  # noqa: S106

    assert "hunter2" not in repr(settings) + str(settings.model_dump())


@pytest.mark.parametrize("extra", ["", "-local", "-dev"])
def test_every_dependency_is_locked_by_hash(extra: str) -> None:
    text = (ROOT / f"deploy/requirements{extra}.lock").read_text()
    pins = re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE)

    assert "faust-streaming" in pins
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", text)) >= len(pins)
