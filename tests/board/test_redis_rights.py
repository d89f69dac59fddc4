"""The rights of deploy/users.acl on a real Valkey: enough for all that talks to it, and none too many."""

import asyncio
import hashlib
import logging
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient, NewTopic
from redis import Redis
from redis.exceptions import RedisError

from models.decisions.reading import Reading
from streams.board.feed import Feed
from streams.board.follower import Follower
from streams.board.store import Batch, BoardStore, EpochLost, connect, known_boards, why
from streams.board.tasks import end
from streams.board.wall import Wall
from streams.doctor import checks as doctor
from streams.doctor.redis_probe import RedisFacts, probe
from streams.local import valkey
from streams.local.state import free_port
from streams.settings import Settings
from tests.board.test_store import alert, gone, row

FILE = Path(__file__).parents[2] / "deploy/users.acl"
PASSWORD = "not a secret"  # noqa: S105
RIGHTS = re.findall(r" \+([\w|]+)", FILE.read_text())
COURTESY = {"client|setinfo"}
"""what the client asks for and does without"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A Valkey with the file as it is, its zeros replaced; returns an administrator's client."""
    folder = tmp_path_factory.mktemp("acl")
    text = FILE.read_text()
    assert text.count("0" * 64) == 1
    text = text.replace("0" * 64, hashlib.sha256(PASSWORD.encode()).hexdigest())
    (folder / "users.acl").write_text(text + "user admin on nopass ~* &* +@all\n")
    port = free_port()
    command = [*valkey.command(folder, port), "--aclfile", str(folder / "users.acl")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:
        admin = Redis(port=port, username="admin", password="any", decode_responses=True)  # noqa: S106
        deadline = time.monotonic() + 30
        while True:
            try:
                admin.ping()
                break
            except RedisError:
                assert running.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield admin
        admin.close()
        running.terminate()


@pytest.fixture
def settings(server: Redis, tmp_path: Path) -> Settings:
    (tmp_path / "password").write_text(PASSWORD + "\n")
    port = server.connection_pool.connection_kwargs["port"]
    return Settings(
        redis=f"redis://lotrinh-board@127.0.0.1:{port}/1",
        redis_password_file=tmp_path / "password",
        partitions=1,
        port=0,
        _env_file=None,
    )


async def everything(settings: Settings) -> list[str]:
    """Do all that is ever done to Redis and return what went wrong."""
    said: list[str] = []
    client = connect(settings)
    store = BoardStore(client, settings.prefix, "d")
    loaded = asyncio.Event()
    follower = Follower(client, settings.prefix, "d", lambda _: loaded.set())
    try:
        for step in (
            lambda: store.open("e1", "m", force=True),
            lambda: store.apply(Batch([row("i/a", 1)], alerts=[alert("f", 1)], fields={"complete": "1"})),
            lambda: store.apply(Batch([gone("i/a", 2)])),
            store.versions,
            lambda: known_boards(client, settings.prefix),
        ):
            try:
                await step()
            except RedisError as exc:
                said.append(why(exc))
            except EpochLost:
                assert said, "what was refused before has been told"
        task = asyncio.create_task(follower.run())
        with suppress(TimeoutError):
            await asyncio.wait_for(loaded.wait(), 5 if not said else 0.3)
        await asyncio.sleep(0.05)
        await end([task])
        found = await probe(settings)
        said += [f.text for f in doctor.redis(found) if f.level == "failed"]
        if follower.state is None and not said:
            said.append("the board was not loaded")
    finally:
        await client.aclose()
    return said


def test_the_file_is_enough_and_no_denial_is_logged(server: Redis, settings: Settings) -> None:
    server.acl_log_reset()

    assert asyncio.run(everything(settings)) == []
    assert server.acl_log() == []


@pytest.mark.parametrize("right", sorted({*RIGHTS} - COURTESY))
def test_one_right_less_is_named(
    right: str, server: Redis, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    server.flushall()
    server.execute_command("SCRIPT", "FLUSH")  # type: ignore[no-untyped-call]
    server.execute_command("ACL", "SETUSER", "lotrinh-board", f"-{right}")  # type: ignore[no-untyped-call]
    try:
        said = [*asyncio.run(everything(settings)), *(r.getMessage() for r in caplog.records)]
    finally:
        server.execute_command("ACL", "SETUSER", "lotrinh-board", f"+{right}")  # type: ignore[no-untyped-call]

    assert [s for s in said if f"lacks the right +{right} (deploy/users.acl)" in s], said


def test_a_key_or_a_password_that_is_not_ours_is_named(server: Redis, settings: Settings) -> None:
    other = settings.model_copy(update={"prefix": "other."})
    assert settings.redis_password_file is not None

    assert "no right to a key of the boards" in str(asyncio.run(probe(other)))
    settings.redis_password_file.write_text("wrong")
    found = asyncio.run(probe(settings))
    (finding,) = doctor.redis(found)
    assert finding.text == "the user or the password is refused (LOTRINH_REDIS, LOTRINH_REDIS_PASSWORD_FILE)"
    assert "deploy/users.acl" in finding.remedy


@pytest.mark.kafka
def test_feed_wall_and_doctor_work_with_the_file(
    server: Redis, settings: Settings, reading: Reading, kafka_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The prefix is the file's own, so these topics are the deployment's; they go when the test ends."""
    names = [f"lotrinh.{name}" for name in ("standings", "alerts", "heartbeats")]
    admin = KafkaAdminClient(bootstrap_servers=kafka_address)
    admin.create_topics([NewTopic(name, 1, 1) for name in names])
    server.flushall()
    server.acl_log_reset()
    of_kafka = settings.model_copy(update={"kafka": kafka_address})

    async def go() -> None:
        feed, wall = Feed(of_kafka, reading), Wall(of_kafka, reading)
        task = asyncio.create_task(feed.run())
        await wall.start()
        deadline = time.monotonic() + 30
        while wall.trouble() is not None:
            assert time.monotonic() < deadline, wall.trouble()
            await asyncio.sleep(0.1)
        assert isinstance(await probe(of_kafka), RedisFacts)
        await end([task])
        await wall.stop()

    try:
        with caplog.at_level(logging.WARNING):
            asyncio.run(go())
    finally:
        admin.delete_topics(names)
        admin.close()
    assert server.acl_log() == []
