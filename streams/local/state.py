"""The state directory of `lotrinh up`: its lock, its ports, and `endpoints.json`, by which others find the system."""

import fcntl
import json
import os
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from streams.formats import FIELD, STATE_DIR, check_file, numbered
from streams.library import BadInput
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
            raise BadInput(f"{self.path}: {exc.strerror}") from exc
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            lock.seek(0)
            pid = lock.read().strip()
            raise BadInput(f"another `lotrinh up` (pid {pid}) uses the state directory {self.path}") from exc
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock
        self.endpoints_file.unlink(missing_ok=True)  # of a run that was killed

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

    def ports(self, names: list[str]) -> dict[str, int]:
        """Return a free loopback port for each name: that of the last run where it is still free."""
        file = self.path / "ports.json"
        known: dict[str, int] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        check_file(STATE_DIR, known.get(FIELD), str(file))
        ports: dict[str, int] = {}
        for name in names:
            port = known.get(name, 0)
            ports[name] = port if port and port not in ports.values() and is_free(port) else free_port()
        file.write_text(json.dumps({**known, **ports, **numbered(STATE_DIR)}), encoding="utf-8")
        return ports

    def write_endpoints(self, endpoints: Mapping[str, Any]) -> None:
        """Write `endpoints.json`, whole or not at all."""
        temporary = self.endpoints_file.with_suffix(".tmp")
        temporary.write_text(json.dumps({**numbered(STATE_DIR), **endpoints}, indent=1) + "\n", encoding="utf-8")
        temporary.replace(self.endpoints_file)

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


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether a port can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


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
