"""The state directory of `lotrinh up`: its lock, its ports, and `endpoints.json`, by which others find the system."""

import errno
import fcntl
import json
import os
import pwd
import shutil
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from streams.broker.formats import FIELD, STATE_DIR, check_file, numbered
from streams.errors import BadInput
from streams.settings import Settings


def default_state_dir() -> Path:
    """Return the user's state directory for lotrinh."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state").resolve() / "lotrinh"


class StateDir:
    """One state directory."""

    def __init__(self, path: Path) -> None:
        """Name the directory; nothing is touched yet."""
        self.path = path
        self.endpoints_file = path / "endpoints.json"
        self._lock: IO[str] | None = None

    def lock(self) -> None:
        """Take the directory for this process. Raises BadInput where another `lotrinh up` has it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / "lock").open("a+", encoding="utf-8")
        except OSError as exc:
            raise BadInput(unusable(self.path, exc)) from exc
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            lock.seek(0)
            pid = lock.read().strip() or "unknown"
            raise BadInput(f"another `lotrinh up` (pid {pid}) uses the state directory {self.path}") from exc
        try:
            os.ftruncate(lock.fileno(), 0)
            os.write(lock.fileno(), str(os.getpid()).encode())  # unbuffered: on a full disk nothing is left to flush
            self.endpoints_file.unlink(missing_ok=True)  # of a run that was killed
        except OSError as exc:
            lock.close()
            raise BadInput(unusable(self.path, exc)) from exc
        self._lock = lock

    def clear(self) -> None:
        """Forget everything the directory holds, but for the lock that is held."""
        for entry in self.path.iterdir():
            if entry.name == "lock":
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def unlock(self) -> None:
        """Give the directory free."""
        self.endpoints_file.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def ports(self, names: list[str], say: Callable[[str], None]) -> dict[str, int]:
        """Return a free loopback port for each name: that of the last run where it is still free.

        A file that cannot be read is told of and made anew: it holds nothing that matters.
        """
        file = self.path / "ports.json"
        known: dict[str, Any] = {}
        if file.exists():
            try:
                known = dict(json.loads(file.read_text(encoding="utf-8")))
            except (ValueError, TypeError):
                say(f"{file} is damaged; it is made anew, with other ports")
        check_file(STATE_DIR, known.get(FIELD), str(file))
        ports: dict[str, int] = {}
        for name in names:
            port = known.get(name, 0)
            usable = isinstance(port, int) and 0 < port < 65_536 and port not in ports.values() and is_free(port)
            ports[name] = port if usable else free_port()
        write_whole(file, json.dumps({**known, **ports, **numbered(STATE_DIR)}))
        return ports

    def write_endpoints(self, endpoints: Mapping[str, Any]) -> None:
        """Write `endpoints.json`, whole or not at all, for its owner alone."""
        write_whole(self.endpoints_file, json.dumps({**numbered(STATE_DIR), **endpoints}, indent=1) + "\n")

    def endpoints(self) -> dict[str, Any] | None:
        """Return what is written of the running system; None where nothing runs.

        Raises OtherFormat where a later release has written it.
        """
        try:
            found: dict[str, Any] = json.loads(self.endpoints_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        check_file(STATE_DIR, found.get(FIELD), str(self.endpoints_file))
        return found


def write_whole(file: Path, text: str) -> None:
    """Write a file for its owner alone: after a crash or on a full disk it holds all of the text, or what it held."""
    temporary = file.with_suffix(".tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            os.fchmod(descriptor, 0o600)  # one that a killed run left behind may be anybody's
            out.write(text)
            out.flush()
            os.fsync(descriptor)
        temporary.replace(file)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def unusable(path: Path, exc: OSError) -> str:
    """Return in one sentence why a directory cannot be written, and what to do."""
    why = f"{exc.filename or path}: {exc.strerror or exc}"
    if exc.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return f"{why}: make room and start again; nothing is lost"
    if exc.errno in {errno.EACCES, errno.EPERM}:
        return f"{why}{_owned(path)}; name another directory with --state-dir"
    if exc.errno == errno.EROFS:
        return f"{why}; name a directory that can be written with --state-dir"
    return why


def _owned(path: Path) -> str:
    """Say whose directory it is, where that can be known."""
    try:
        owner = next(p for p in (path, *path.parents) if p.exists()).stat().st_uid
    except (OSError, StopIteration):
        return ""
    if owner == os.geteuid():
        return ""
    try:
        return f" (it belongs to {pwd.getpwuid(owner).pw_name})"
    except KeyError:
        return f" (it belongs to user {owner})"


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether a port can be listened on."""
    return cannot_listen(port, host) is None


def cannot_listen(port: int, host: str = "127.0.0.1") -> str | None:
    """Return why a port cannot be listened on, None where it can."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as exc:
        return "is in use" if exc.errno == errno.EADDRINUSE else f"cannot be had ({exc.strerror})"
    return None


def without_password(url: str) -> str:
    """Return an address as it may be written down: who uses it needs the password from where it is kept.

    >>> without_password("rediss://board:secret@r.example:6379/0?password=more&ssl_cert_reqs=none")
    'rediss://board@r.example:6379/0?ssl_cert_reqs=none'
    >>> without_password("redis://127.0.0.1:6379/0")
    'redis://127.0.0.1:6379/0'
    """
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    query = urlencode([(k, v) for k, v in parse_qsl(parts.query) if "password" not in k.lower()])
    return urlunsplit(parts._replace(netloc=f"{name}@{host}" if name else host, query=query))


def free_port() -> int:
    """Return a loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def located(settings: Settings) -> Settings:
    """Return settings that know where the running system is, and how it was started.

    What the environment names stands; the rest comes from the state directory's `endpoints.json`. Raises BadInput where
    neither knows a Kafka.
    """
    if settings.kafka is not None:
        return settings
    state = StateDir(settings.state_dir or default_state_dir())
    found = state.endpoints()
    if found is None:
        raise BadInput(
            f"nothing runs in {state.path} (no endpoints.json); start it with `lotrinh up`, or set LOTRINH_KAFKA"
        )
    given = settings.model_dump(exclude_unset=True)
    started: dict[str, Any] = found.get("settings", {})
    update = {"kafka": found["kafka"], "redis": found["redis"], **started, **given, "state_dir": state.path}
    return Settings(**update)
